import Checkpoint
import Engine
import Numbers
import ResNet

/// A network to compile and measure: one of the table with made-up weights, a model file's, or the
/// embedded one.
struct BenchSubject {
  private let graph: Graph
  private let weights: Weights
  let precision: Precision
  private let calibration: Calibration?

  /// Images for the calibration of a network that has none; speed does not depend on the ranges.
  private static let madeUpImageCount = 2

  init(
    _ nameOrPath: String?, _ policy: PrecisionPolicy,
    variant: Architecture.StridePlacement = .in3x3, parts: ModelParts = ModelParts()
  ) throws {
    var known: Calibration?
    let network = try nameOrPath.map { try ModelSource.network($0, parts) }
    switch try network ?? .model(ModelSource.load(nil)) {
    case .architecture(var architecture):
      architecture.stridePlacement = variant
      graph = try Graph(architecture)
      weights = try Weights.random(for: graph, isNormal: true)
    case .model(let model):
      (graph, weights) = (model.graph, model.weights)
      known = model.calibration
    }
    precision = policy.precision(for: known)
    if precision == .int8, known == nil { known = try Self.madeUp(graph, weights) }
    calibration = known
  }

  func compiled(_ options: CompilationOptions) throws(EngineError) -> CompiledNetwork {
    var options = options
    options.precision = precision
    options.calibration = calibration
    return try CompiledNetwork(graph, weights, options: options)
  }

  private static func madeUp(
    _ graph: Graph, _ weights: Weights
  ) throws(EngineError) -> Calibration {
    let calibrator = try Calibrator(graph, weights)
    guard case .input(let shape) = graph.nodes[0].operation else {
      preconditionFailure("a graph starts with its input")
    }
    let images = (0..<madeUpImageCount).map {
      ReproducibleNumbers("calibration \($0)").values(count: shape.elementCount, from: -2, to: 2)
    }
    for image in images { try calibrator.measure(image.span) }
    return Calibration(method: "made up", ranges: calibrator.ranges(percentile: 100))
  }
}
