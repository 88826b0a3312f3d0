import Engine
import Foundation
import Numbers
import ResNet
import Testing

/// Outputs of single nodes beside the logits, compared with PyTorch and with sums in double
/// precision.
@Suite struct TapTests {
  private struct Sampled: Decodable {
    let count: Int
    let largest: Float
    let samples: [Float]
  }

  /// Outputs of one run.
  private struct Run {
    let logits: [Float]
    let taps: TapOutputs
  }

  private static func run(
    _ graph: Graph, _ weights: Weights, _ options: CompilationOptions, _ images: [Float], count: Int
  ) throws -> Run {
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    var logits = [Float](repeating: .nan, count: count * context.network.outputCount)
    var span = logits.mutableSpan
    let taps = TapOutputs()
    try context.run(imageCount: count, input: images.span, logits: &span, taps: taps)
    return Run(logits: logits, taps: taps)
  }

  @Test(
    "Modules give what torchvision's do, within 1e-4 of the largest number",
    arguments: ["resnet18", "resnet50"])
  func torchvision(name: String) throws {
    let folder = try #require(Bundle.module.resourceURL)
    let answers = try JSONDecoder().decode(
      [String: [String: Sampled]].self,
      from: Data(contentsOf: folder.appending(path: "Fixtures/outputs.json")))
    let modules = try #require(answers[name]).sorted { $0.key < $1.key }
    let graph = try Graph(#require(Architecture.named(name)))
    var options = CompilationOptions()
    options.taps = try modules.map { module, _ in
      let found = graph.outputs(named: module)
      try #require(found.count == 1)
      return graph.nodes[found[0]].name
    }
    let image = ReproducibleNumbers("images").values(
      count: graph.inputShape.elementCount, from: -2, to: 2)
    let run = try Self.run(graph, .random(for: graph), options, image, count: 1)
    for (index, (module, expected)) in modules.enumerated() {
      let numbers = run.taps.numbers[index]
      try #require(numbers.count == expected.count, "\(module)")
      let places = expected.samples.indices.map { $0 * expected.count / expected.samples.count }
      let found = places.map { numbers[$0] }
      let difference = ParityTests.largestDifference(found, expected.samples)
      #expect(difference <= 1e-4 * expected.largest, "\(module): \(difference / expected.largest)")
    }
  }

  /// Small networks with every kind of merge: into convolutions, sums, and into neither.
  private static func network(_ block: Architecture.Block) throws -> Graph {
    try Graph(
      Architecture(
        stem: .cifar, block: block,
        stages: [.init(blocks: 1, width: 8), .init(blocks: 2, width: 16)], shortcut: .b,
        classCount: 7, inputSize: 9))
  }

  /// The graph up to a node.
  private static func part(of graph: Graph, upTo id: Graph.NodeID) -> Graph {
    var part = Graph(input: graph.inputShape)
    for node in graph.nodes[1...id] { part.append(node) }
    return part
  }

  @Test(
    "Every node of a network can be read, alone, in a batch, and with others",
    arguments: [Architecture.Block.basic, .bottleneck], [Precision.fp32, .bf16, .int8])
  func everyNode(block: Architecture.Block, precision: Precision) throws {
    guard try runs(in: precision) else { return }
    let graph = try Self.network(block)
    let weights = try Weights.random(for: graph)
    let image = ReproducibleNumbers("image").values(
      count: graph.inputShape.elementCount, from: -2, to: 2)
    let calibrator = try Calibrator(graph, weights)
    try calibrator.measure(image.span)
    var options = CompilationOptions()
    options.batchSizes = [1, 2]
    options.precision = precision
    options.calibration = Calibration(
      method: "test", ranges: calibrator.ranges(percentile: 100))
    let tolerance = try #require(PrecisionTests.tolerances[precision]) * 4
    let all = graph.nodes.dropFirst().map(\.name)
    for names in all.map({ [$0] }) + [all] {
      options.taps = names
      let run = try Self.run(graph, weights, options, image + image + image, count: 3)
      for (index, name) in names.enumerated() {
        let id = try #require(graph.nodes.firstIndex { $0.name == name })
        let expected = try ReferenceInterpreter(Self.part(of: graph, upTo: id), weights)
          .run(image.map(Double.init))
        let largest = try #require(expected.map(abs).max())
        for place in 0..<3 {
          let found = Array(run.taps.numbers(of: index, image: place))
          try #require(found.count == expected.count)
          let difference = zip(found, expected).reduce(0.0) {
            $1.0.isFinite ? max($0, abs(Double($1.0) - $1.1)) : .infinity
          }
          #expect(difference <= tolerance * largest, "\(name): \(difference / largest)")
        }
      }
    }
  }

  @Test("Features cost a run that does not ask for them no step, and change no logit")
  func idle() throws {
    let graph = try Graph(#require(Architecture.named("resnet18")))
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.batchSizes = [1, 4]
    let plain = try CompiledNetwork(graph, weights, options: options)
    options.taps = [graph.nodes[try graph.featureNode()].name]
    let tapped = try CompiledNetwork(graph, weights, options: options)
    for batch in [1, 4] {
      #expect(plain.steps(batch: batch).map(\.name) == tapped.steps(batch: batch).map(\.name))
    }
    #expect(plain.weightByteCount == tapped.weightByteCount)
    #expect(tapped.contextByteCount <= plain.contextByteCount + 4 * 4 * 512 * 2)
    let images = ReproducibleNumbers("images").values(
      count: 4 * graph.inputShape.elementCount, from: -2, to: 2)
    let expected = try ExecutionContext(plain).logits(of: images, count: 4)
    #expect(try ExecutionContext(tapped).logits(of: images, count: 4) == expected)
    #expect(try Self.run(graph, weights, options, images, count: 4).logits == expected)
  }

  @Test("A tap where images run one by one gives each of them its own output")
  func sections() throws {
    let graph = try Graph(#require(Architecture.named("resnet18")))
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    let count = graph.inputShape.elementCount
    let images = ReproducibleNumbers("images").values(count: 2 * count, from: -2, to: 2)
    // From large activations to small ones, so that one is at the section's end.
    options.taps = ["maxpool"] + (1...4).flatMap { ["layer\($0).0.relu", "layer\($0).1.relu"] }
    let alone = try (0..<2).map { place in
      try Self.run(
        graph, weights, options, Array(images[place * count..<(place + 1) * count]), count: 1)
    }
    options.batchSizes = [1, 2]
    let names = options.taps
    for (index, name) in names.enumerated() {
      options.taps = [name]
      let both = try Self.run(graph, weights, options, images, count: 2)
      for place in 0..<2 {
        let expected = alone[place].taps.numbers[index]
        let largest = try #require(expected.map(abs).max())
        let found = Array(both.taps.numbers(of: 0, image: place))
        try #require(found.count == expected.count)
        #expect(ParityTests.largestDifference(found, expected) <= 1e-5 * largest, "\(name)")
      }
    }
  }

  @Test("A team gives them too, and a run that gave up leaves nothing of its own")
  func team() throws {
    let graph = try Graph(#require(Architecture.cifar(depth: 8)))
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.input = .planes
    options.teamThreads = 2
    options.taps = ["avgpool"]
    let context = try ExecutionContext(
      CompiledNetwork(graph, weights, options: options), team: true)
    let image = ReproducibleNumbers("image").values(
      count: graph.inputShape.elementCount, from: -2, to: 2)
    var logits = [Float](repeating: .nan, count: 20)
    var span = logits.mutableSpan
    let taps = TapOutputs()
    let images = image + image
    // SAFETY: numbers have no padding.
    let input = unsafe images.span.bytes
    let past = ContinuousClock.now - .seconds(1)
    #expect(
      try !context.runOnTeam(
        imageCount: 2, input: input, logits: &span, taps: taps, until: past))
    try context.runOnTeam(imageCount: 2, input: input, logits: &span, taps: taps)
    let expected = try Self.run(graph, weights, options, image, count: 1).taps.numbers[0]
    try #require(taps.numbers[0].count == 2 * expected.count)
    let largest = try #require(expected.map(abs).max())
    for place in 0..<2 {
      #expect(
        ParityTests.largestDifference(Array(taps.numbers(of: 0, image: place)), expected)
          <= 1e-5 * largest)
    }
  }
}
