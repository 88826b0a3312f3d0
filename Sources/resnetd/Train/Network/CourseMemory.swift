import Engine
import Inference
import ResNet
import Training

/// Bytes that a training of layers takes beside the network that learns and the images.
struct CourseMemory {
  /// Bytes of moments and the average of the parameters.
  let optimizer: Int
  /// Bytes to judge an epoch by a network of its own, or to write the state of the training,
  /// whichever takes more; neither happens during the other.
  let judgement: Int

  /// - Parameters:
  ///   - graph: The whole network, which is judged.
  ///   - trained: The part of it that learns.
  init(
    _ graph: Graph, trained: Graph, _ settings: OptimizerSettings, threads: Int
  ) throws(GraphError) {
    let (parameters, learning) = (
      try Self.parameterByteCount(graph), try Self.parameterByteCount(trained)
    )
    optimizer = settings.blockCount * learning
    var plan = CPUPlan(workers: threads, threads: 1, maxBatch: FixedNetwork.batchSize)
    plan.batchSizes = [FixedNetwork.batchSize]
    let network = try MemoryEstimate(graph, precision: .fp32, plan: plan, live: nil).byteCount
    // The views of some images, and the numbers that they are gathered from.
    let views =
      2 * NetworkTraining.judgedAtOnce * graph.inputShape.elementCount
      * MemoryLayout<Float>.stride
    // Parameters to judge and the best ones; or these, and the state that is written.
    judgement =
      parameters + max(parameters + network + views, learning * (1 + settings.blockCount))
  }

  private static func parameterByteCount(_ graph: Graph) throws(GraphError) -> Int {
    try graph.parameterShapes().values.reduce(0) { $0 + $1.reduce(1, *) }
      * MemoryLayout<Float>.stride
  }
}
