import Engine
import Foundation
import Numbers
import ResNet
import Testing
import Training

/// Steps of SGD compared with PyTorch's from the same weights, on the same images in the same order.
@Suite struct PyTorchStepTests {
  /// Numbers that the fixtures have of each tensor: mean, root mean square, and samples.
  static let sampleCount = 3
  static let stepCount = 10
  /// Largest difference, relative to a tensor's root mean square.
  static let tolerance = 1e-4

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var architecture: String
    var imageCount: Int
    var size: Int
    /// Node after which parameters are trained; nil for all.
    var cut: String?
    var rate = 0.02

    var testDescription: String { name }
  }

  static let cases = [
    Case(
      name: "resnet20-all", architecture: "resnet20-cifar", imageCount: 64, size: 32, rate: 0.002),
    Case(
      name: "resnet20-last-stage", architecture: "resnet20-cifar", imageCount: 64, size: 32,
      cut: "layer2.2.relu"),
    Case(
      name: "resnet20-head", architecture: "resnet20-cifar", imageCount: 64, size: 32,
      cut: "avgpool"),
    Case(
      name: "resnet18-all", architecture: "resnet18", imageCount: 8, size: 64, rate: 0.0001),
    Case(
      name: "resnet18-last-stage", architecture: "resnet18", imageCount: 8, size: 64,
      cut: "layer3.1.relu"),
    Case(name: "resnet18-head", architecture: "resnet18", imageCount: 8, size: 64, cut: "avgpool"),
  ]

  @Test("Weights and running statistics after 1 and 10 steps are PyTorch's", arguments: cases)
  func steps(test: Case) throws {
    var architecture = try #require(Architecture.named(test.architecture))
    architecture.inputSize = test.size
    let whole = try Graph(architecture)
    let weights = try Weights.random(for: whole)
    let cut = try test.cut.map { name in
      try #require(whole.nodes.firstIndex { $0.name == name })
    }
    let graph = try cut.map { try whole.after(cut: $0) } ?? whole
    var options = TrainingOptions(batchLimit: test.imageCount)
    options.workerCount = 2
    if test.imageCount == 8 { options.shardImageCount = 4 }
    let network = try TrainingNetwork(graph, weights, options: options)
    var settings = OptimizerSettings(.momentum(0.9, isNesterov: true), weightDecay: 5e-4)
    settings.averageDecay = 0.9
    let optimizer = try Optimizer(network, settings)
    let frozen = try cut.map { try FrozenPart(whole.before(cut: $0), weights, test.imageCount) }
    let expected = try Self.fixture(test.name)
    var index = 0
    for step in 0..<Self.stepCount {
      let images = ReproducibleNumbers("images \(step)").values(
        count: test.imageCount * whole.inputShape.elementCount, from: -1, to: 1)
      let inputs = try frozen?.run(images) ?? images
      let classes = ReproducibleNumbers("classes \(step)").values(
        count: test.imageCount, from: 0, to: 1
      ).map { Int($0 * Float(architecture.classCount)) }
      _ = try network.step(
        images: inputs.span, targets: .classes(classes), loss: Loss(.softmax(smoothing: 0)))
      try optimizer.apply(rate: test.rate)
      guard step == 0 || step == Self.stepCount - 1 else { continue }
      try compare(network.weights, expected, &index, "step \(step + 1)")
    }
    #expect(index == expected.count)
  }

  private func compare(
    _ weights: Weights, _ expected: [Float], _ index: inout Int, _ what: String
  ) throws {
    for name in weights.names.sorted() {
      let values = try #require(weights[name]?.values).map(Double.init)
      let count = Double(values.count)
      let chosen = ReproducibleNumbers("chosen \(name)").values(
        count: Self.sampleCount, from: 0, to: 1)
      let own =
        [
          values.reduce(0, +) / count, (values.reduce(0) { $0 + $1 * $1 } / count).squareRoot(),
        ]
        + chosen.map { values[min(Int($0 * Float(values.count)), values.count - 1)] }
      try #require(index + own.count <= expected.count)
      // Means of weights may be as good as zero.
      let scale = max(Double(expected[index + 1]), 1e-3)
      for (number, value) in own.enumerated() {
        let error = abs(value - Double(expected[index + number])) / scale
        #expect(error <= Self.tolerance, "\(what): \(name), number \(number)")
      }
      index += own.count
    }
  }

  static func fixture(_ name: String) throws -> [Float] {
    let folder = try #require(Bundle.module.resourceURL)
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/steps/\(name).values"))
    return stride(from: 0, to: data.count, by: 4).map { offset in
      Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(data[offset + $1]) << (8 * $1) })
    }
  }
}

/// The layers before those that are trained, as the engine computes them.
struct FrozenPart {
  private let context: ExecutionContext
  private let imageCount: Int

  init(_ graph: Graph, _ weights: Weights, _ imageCount: Int) throws {
    var options = CompilationOptions()
    options.batchSizes = [imageCount]
    context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    self.imageCount = imageCount
  }

  func run(_ images: [Float]) throws -> [Float] {
    var outputs = [Float](repeating: 0, count: imageCount * context.network.outputCount)
    var span = outputs.mutableSpan
    try context.run(imageCount: imageCount, input: images.span, logits: &span)
    return outputs
  }
}
