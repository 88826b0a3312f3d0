import ResNet
import Testing
import Training

@Suite struct OptimizerTests {
  /// A linear layer whose bias gets made gradients: with as many images as outputs, the gradient of
  /// its bias is that of the logits.
  @Test(
    "Updates are PyTorch's",
    arguments: ["sgd", "momentum", "nesterov", "adamw", "clipped"])
  func updates(name: String) throws {
    var settings =
      switch name {
      case "sgd": OptimizerSettings(.momentum(0, isNesterov: false), weightDecay: 0)
      case "momentum": OptimizerSettings(.momentum(0.9, isNesterov: false), weightDecay: 0.01)
      case "nesterov": OptimizerSettings(.momentum(0.9, isNesterov: true), weightDecay: 0.01)
      case "adamw": OptimizerSettings(.adamW, weightDecay: 0.05)
      default: OptimizerSettings(.momentum(0.9, isNesterov: false), weightDecay: 0)
      }
    settings.decaysAll = true
    if name == "clipped" { settings.gradientNormLimit = 0.5 }
    let network = try Self.network()
    let optimizer = try Optimizer(network, settings)
    for gradient: [Float] in [
      [0.1, -0.2, 0.3, 0], [-0.4, 0.5, 0.6, 1], [0.25, 0.125, -2, -1],
    ] {
      try network.setGradients(["fc.bias": gradient])
      try optimizer.apply(rate: name == "adamw" ? 0.01 : 0.1)
    }
    let result = try #require(try network.weights["fc.bias"]?.values)
    let expected = try SmallFixture().numbers(name)
    #expect(result.count == expected.count)
    #expect(
      zip(result, expected).allSatisfy { abs(Double($0) - $1) < 1e-6 }, "\(result), \(expected)")
  }

  @Test("Biases do not decay, rates have factors by name, and an average follows the weights")
  func groups() throws {
    let network = try Self.network()
    var settings = OptimizerSettings(.momentum(0, isNesterov: false), weightDecay: 0.5)
    settings.rateFactors = ["fc.": 0.5, "f": 7]
    settings.averageDecay = 0.75
    let optimizer = try Optimizer(network, settings)
    let before = try network.weights
    try network.setGradients(["fc.bias": [1, 0, 0, 0]])
    try optimizer.apply(rate: 0.2)
    let after = try network.weights
    let bias = try #require(before["fc.bias"]?.values)
    #expect(after["fc.bias"]?.values == [bias[0] - 0.1] + bias.dropFirst())
    let weight = try #require(before["fc.weight"]?.values)
    let new = try #require(after["fc.weight"]?.values)
    #expect(zip(weight, new).allSatisfy { abs($0 * 0.95 - $1) < 1e-6 })
    let average = try #require(try optimizer.averagedWeights?["fc.weight"]?.values)
    #expect(
      zip(average, zip(weight, new)).allSatisfy { abs($0 - (0.75 * $1.0 + 0.25 * $1.1)) < 1e-6 })
  }

  @Test("A parameter with the factor 0 keeps its bits")
  func still() throws {
    let network = try Self.network()
    var settings = OptimizerSettings(.adamW, weightDecay: 0.5)
    settings.rateFactors = ["fc.weight": 0]
    let before = try network.weights["fc.weight"]?.values
    try network.setGradients(["fc.bias": [1, 1, 1, 1]])
    try Optimizer(network, settings).apply(rate: 0.2)
    #expect(try network.weights["fc.weight"]?.values == before)
  }

  @Test("Settings outside of their ranges are refused")
  func refusals() throws {
    let network = try Self.network()
    var settings = OptimizerSettings(.momentum(1, isNesterov: true), weightDecay: 0)
    #expect(throws: TrainingError.self) { try Optimizer(network, settings) }
    settings = OptimizerSettings(.adamW, weightDecay: -1)
    #expect(throws: TrainingError.self) { try Optimizer(network, settings) }
    settings = OptimizerSettings(.adamW, weightDecay: 0)
    settings.averageDecay = 1
    #expect(throws: TrainingError.self) { try Optimizer(network, settings) }
    let optimizer = try Optimizer(network, OptimizerSettings(.adamW, weightDecay: 0))
    #expect(throws: TrainingError.self) { try optimizer.apply(rate: .nan) }
  }

  /// Three inputs and a linear layer of four outputs, whose bias is the start of make-small.py.
  private static func network() throws -> TrainingNetwork {
    var graph = Graph(input: FeatureShape(channels: 3, height: 1, width: 1))
    graph.append("fc", .linear(Linear(outputs: 4)), 0)
    var weights = try Weights.random(for: graph)
    weights["fc.bias"] = Tensor(shape: [4], storage: [0.5, -1.25, 2, 0])
    return try TrainingNetwork(graph, weights, options: TrainingOptions(batchLimit: 4))
  }
}
