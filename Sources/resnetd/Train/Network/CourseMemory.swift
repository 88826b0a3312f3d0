import Engine
import ResNet
import Training

/// Bytes that a training of layers takes beside the network that learns and the images.
struct CourseMemory {
  /// Copies of a layer's weights while it is packed: folded, laid out plainly, packed.
  private static let copiesWhilePacking = 3

  /// Bytes of moments and the average of the parameters.
  let optimizer: Int
  /// Bytes to judge an epoch by a network of its own, or to write the state of the training,
  /// whichever takes more; neither happens during the other.
  let judgement: Int

  init(_ graph: Graph, _ settings: OptimizerSettings, threads: Int) throws(GraphError) {
    let float = MemoryLayout<Float>.stride
    let counts = try graph.parameterShapes().values.map { $0.reduce(1, *) }
    let parameters = counts.reduce(0, +) * float
    optimizer = settings.blockCount * parameters
    let estimate = try CompilationEstimate(
      graph, precision: .fp32, batchSizes: [FixedNetwork.batchSize], hasTeam: false)
    let network =
      estimate.weightByteCount + estimate.stepByteCount + estimate.contextByteCount * threads
      + (counts.max() ?? 0) * float * Self.copiesWhilePacking
    // The views of some images, and the numbers that they are gathered from.
    let views = 2 * NetworkTraining.judgedAtOnce * graph.inputShape.elementCount * float
    // Parameters to judge and the best ones; or these, and the state that is written.
    judgement = max(2 * parameters + network + views, (2 + settings.blockCount) * parameters)
  }
}
