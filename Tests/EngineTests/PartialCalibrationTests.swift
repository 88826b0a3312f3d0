import Engine
import Numbers
import ResNet
import Testing

/// Calibrations of files that were quantised elsewhere: in part, and by the names of the graph as
/// it was.
@Suite struct PartialCalibrationTests {
  private let weights: Weights
  private let graph: Graph
  private let image: [Float]
  /// Ranges by the names of the lowered graph.
  private let ranges: [String: Float]
  /// The same ranges by the names of the graph.
  private let namedRanges: [String: Float]
  private let layers: [String]

  init() throws {
    let architecture = Architecture(
      stem: .cifar, block: .bottleneck,
      stages: [.init(blocks: 2, width: 4), .init(blocks: 2, width: 8)], shortcut: .b, classCount: 7,
      inputSize: 9)
    graph = try Graph(architecture)
    weights = try Weights.random(for: graph)
    let shape = try graph.shapes()[0]
    let numbers = ReproducibleNumbers("image").values(count: shape.elementCount, from: -2, to: 2)
    let calibrator = try Calibrator(graph, weights)
    try calibrator.measure(numbers.span)
    image = numbers
    ranges = calibrator.ranges(percentile: 100)
    var named: [String: Float] = [:]
    for node in graph.foldingBatchNormalization().fusingActivations().nodes {
      named[node.resultName] = ranges[node.name]
    }
    namedRanges = named
    layers = graph.nodes.filter {
      switch $0.operation {
      case .convolution, .linear: true
      default: false
      }
    }.map(\.name)
  }

  private func logits(_ precision: Precision, _ calibration: Calibration?) throws -> [Float] {
    var options = CompilationOptions()
    options.precision = precision
    options.calibration = calibration
    options.batchSizes = [1, 2]
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let outputs = try context.logits(of: image + image + image, count: 3)
    let images = (0..<3).map { Array(outputs[$0 * 7..<$0 * 7 + 7]) }
    #expect(images[0] == images[1])
    // On some CPUs oneDNN multiplies a single image in another order than two.
    #expect(largestDifference(images[2], images[0]) <= 1e-5)
    return images[0]
  }

  private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    let largest = b.reduce(0) { max($0, abs($1)) }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
  }

  @Test("Ranges by the names of the graph are those of the nodes that its nodes are merged into")
  func names() throws {
    guard try runs(in: .int8) else { return }
    #expect(namedRanges["layer1.0.relu"] == ranges["layer1.0.conv3"])
    #expect(namedRanges["layer1.0.relu1"] == ranges["layer1.0.conv1"])
    #expect(namedRanges["layer1.0.downsample.1"] == ranges["layer1.0.downsample.0"])
    let usual = try logits(.int8, Calibration(method: "test", ranges: ranges))
    // A range that something later replaces has no meaning.
    var named = namedRanges
    named["layer1.0.conv3"] = 1e-3
    let calibration = Calibration(method: "test", ranges: named, floatingPoint: [])
    #expect(try logits(.int8, calibration) == usual)
  }

  @Test(
    "Without a range a result stays in floating point, and the network as good", arguments: 0..<24)
  func missing(seed: Int) throws {
    guard try runs(in: .int8) else { return }
    var dice = Dice("partial \(seed)")
    let exact = try logits(.fp32, nil)
    let kept = namedRanges.sorted { $0.key < $1.key }.filter { _ in dice.pick([true, true, false]) }
    let floating = Set(layers.filter { _ in dice.pick([true, false, false]) })
    let calibration = Calibration(
      method: "test", ranges: Dictionary(uniqueKeysWithValues: kept), floatingPoint: floating)
    let difference = largestDifference(try logits(.int8, calibration), exact)
    #expect(difference <= 9e-2 && difference > 0)
  }

  @Test("Weights that were quantised before keep their integers, whatever the largest is")
  func quantizedBefore() throws {
    guard try runs(in: .int8) else { return }
    var graph = Graph(input: FeatureShape(channels: 8, height: 6, width: 6))
    graph.append("conv", .convolution(Convolution(outputChannels: 6, kernel: Extent(3))), 0)
    var dice = Dice("weights")
    // Every channel has its own step and largest integer.
    let weight = (0..<6).flatMap { channel -> [Float] in
      let largest = [127, 126, 100, 64, 3, 1][channel]
      let step = 0.0123 * Float(channel + 1)
      let integers = [largest] + (1..<72).map { _ in dice.pick(Array(-largest...largest)) }
      return integers.map { Float($0) * step }
    }
    var weights = Weights()
    weights["conv.weight"] = Tensor(shape: [6, 8, 3, 3], storage: weight)
    let image = (0..<288).map { _ in Float(dice.pick(Array(-127...127))) }
    var options = CompilationOptions()
    options.precision = .int8
    options.calibration = Calibration(method: "test", ranges: ["input": 127], floatingPoint: [])
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let expected = try ReferenceInterpreter(graph, weights).run(image.map(Double.init))
    let outputs = try context.logits(of: image, count: 1)
    #expect(largestDifference(outputs, expected.map(Float.init)) <= 1e-6)
  }

  @Test(
    "A channel whose weights have all but vanished leaves its bias", arguments: [0, 1e-42, 1e-35])
  func vanishedWeights(magnitude: Double) throws {
    guard try runs(in: .int8) else { return }
    let size = Float(magnitude)
    var graph = Graph(input: FeatureShape(channels: 2, height: 1, width: 1))
    var convolution = Convolution(outputChannels: 2, kernel: Extent(1))
    convolution.hasBias = true
    graph.append("conv", .convolution(convolution), 0)
    var weights = Weights()
    weights["conv.weight"] = Tensor(shape: [2, 2, 1, 1], storage: [size, -size, 1, 1])
    weights["conv.bias"] = Tensor(shape: [2], storage: [0.5, 0.25])
    var options = CompilationOptions()
    options.precision = .int8
    options.calibration = Calibration(method: "test", ranges: ["input": 127], floatingPoint: [])
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    #expect(try context.logits(of: [3, 4], count: 1) == [0.5, 7.25])
  }

  @Test("The input's zero may be another integer, in its first convolution's padding too")
  func zeroPoint() throws {
    guard try runs(in: .int8) else { return }
    let exact = try logits(.fp32, nil)
    let range = try #require(namedRanges["input"])
    for zero in [-90, -1, 1, 64] {
      // Both sides hold the image's numbers.
      var named = namedRanges
      named["input"] = range * Float(127 - zero) / Float(127 - abs(zero))
      let calibration = Calibration(
        method: "test", ranges: named, floatingPoint: [], inputZeroPoint: zero)
      #expect(largestDifference(try logits(.int8, calibration), exact) <= 9e-2)
      // A layer in floating point reads the input without it.
      let mixed = Calibration(
        method: "test", ranges: named, floatingPoint: ["conv1"], inputZeroPoint: zero)
      #expect(largestDifference(try logits(.int8, mixed), exact) <= 9e-2)
    }
  }

  @Test("If all layers are to compute in floating point, the logits are those of fp32")
  func allInFloatingPoint() throws {
    guard try runs(in: .int8) else { return }
    let exact = try logits(.fp32, nil)
    let none = Calibration(method: "test", ranges: [:], floatingPoint: [])
    #expect(largestDifference(try logits(.int8, none), exact) <= 1e-5)
    let all = Calibration(method: "test", ranges: namedRanges, floatingPoint: Set(layers))
    #expect(largestDifference(try logits(.int8, all), exact) <= 9e-2)
  }
}
