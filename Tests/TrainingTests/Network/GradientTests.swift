import Engine
import Numbers
import ResNet
import Testing
import Training

/// Gradients compared with central finite differences of a reference in double precision, at the
/// instructions that the process may use.
@Suite struct GradientTests {
  /// Numbers of each parameter that are compared.
  static let sampleLimit = 4
  static let step = 1e-6
  /// Largest difference, relative to the largest gradient of the parameter.
  static let tolerance = 3e-4

  @Test(
    "Gradients are those of finite differences, in whole shards and an incomplete one",
    arguments: SmallNetworks.names)
  func gradients(name: String) throws {
    try compare(SmallNetworks.graph(name), frozen: [])
  }

  @Test("Gradients with running statistics are those of finite differences")
  func frozenGradients() throws {
    try compare(
      SmallNetworks.graph("option B"),
      frozen: ["bn1", "layer1.0.bn2", "layer2.0.downsample.1", "layer2.0.bn1"])
    try compare(SmallNetworks.graph("pre-activation"), frozen: ["layer1.1.bn1", "bn"])
  }

  @Test(
    "Our own kernels give the gradients of oneDNN's direct convolutions, but not their bits",
    arguments: ["sixteen channels", "odd maps"])
  func directGradients(name: String) throws {
    let graph = try SmallNetworks.graph(name)
    let weights = try Weights.random(for: graph)
    let images = ReproducibleNumbers("images").values(
      count: 11 * graph.inputShape.elementCount, from: -1, to: 1)
    let gradients = try [true, false].map { usesWinograd in
      var options = TrainingOptions(batchLimit: 12)
      options.shardImageCount = 4
      options.usesWinograd = usesWinograd
      let network = try TrainingNetwork(graph, weights, options: options)
      _ = try network.step(
        images: images.span, targets: .classes((0..<11).map { $0 % 5 }),
        loss: Loss(.softmax(smoothing: 0)))
      return try network.gradients
    }
    for name in gradients[0].names {
      let own = try #require(gradients[0][name]?.values)
      let direct = try #require(gradients[1][name]?.values)
      let largest = direct.map(abs).max() ?? 0
      let error = zip(own, direct).map { abs($0 - $1) }.max() ?? .nan
      #expect(error <= 2e-5 * largest + 1e-7, "\(name): \(error) of \(largest)")
    }
    #expect(gradients[0]["conv1.weight"]?.values != gradients[1]["conv1.weight"]?.values)
  }

  private func compare(_ graph: Graph, frozen: Set<String>) throws {
    let weights = try Weights.random(for: graph)
    var options = TrainingOptions(batchLimit: 6)
    options.shardImageCount = 2
    options.workerCount = 2
    options.frozenNormalizations = frozen
    let network = try TrainingNetwork(graph, weights, options: options)
    let count = 5
    let images = ReproducibleNumbers("images").values(
      count: count * graph.inputShape.elementCount, from: -1, to: 1)
    let classes = (0..<count).map { $0 % 5 }
    // Twice, so that what the first step leaves in memory would show.
    for _ in 0..<2 {
      _ = try network.step(
        images: images.span, targets: .classes(classes), loss: Loss(.softmax(smoothing: 0)))
    }
    let result = try network.step(
      images: images.span, targets: .classes(classes), loss: Loss(.softmax(smoothing: 0)))
    let gradients = try network.gradients

    var reference = try ReferenceNetwork(graph, weights)
    reference.frozen = frozen
    let size = graph.inputShape.elementCount
    let rows = (0..<count).map { images[$0 * size..<($0 + 1) * size].map(Double.init) }
    #expect(abs(result.loss - reference.loss(rows, classes)) < 1e-5 * max(1, result.loss))
    // Where running statistics are frozen, they must not have moved.
    for name in frozen {
      #expect(
        try network.weights["\(name).running_mean"]?.values
          == weights["\(name).running_mean"]?.values)
    }
    for name in gradients.names.sorted() {
      let gradient = try #require(gradients[name]?.values)
      let scale = Double(gradient.map(abs).max() ?? 0)
      let chosen = ReproducibleNumbers("chosen \(name)")
      for sample in 0..<min(Self.sampleLimit, gradient.count) {
        let index =
          gradient.count <= Self.sampleLimit
          ? sample : Int(chosen.fraction(sample) * Float(gradient.count))
        let expected = difference(&reference, name, index, rows, classes)
        let error = abs(Double(gradient[index]) - expected)
        #expect(
          error <= Self.tolerance * scale + 2e-6,
          "\(name)[\(index)]: \(gradient[index]), \(expected)")
      }
    }
  }

  private func difference(
    _ reference: inout ReferenceNetwork, _ name: String, _ index: Int, _ images: [[Double]],
    _ classes: [Int]
  ) -> Double {
    let old = reference.parameters[name]?[index] ?? 0
    reference.parameters[name]?[index] = old + Self.step
    let above = reference.loss(images, classes)
    reference.parameters[name]?[index] = old - Self.step
    let below = reference.loss(images, classes)
    reference.parameters[name]?[index] = old
    return (above - below) / (2 * Self.step)
  }
}
