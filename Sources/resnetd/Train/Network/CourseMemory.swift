import Engine
import Inference
import ResNet
import Training

/// Bytes that a training of layers takes beside the network that learns and the images.
struct CourseMemory {
  /// Bytes of moments and the average of the parameters.
  let optimizer: Int
  /// Bytes of the images of a step: as they are written, put together, and mixed.
  let batch: Int
  /// Bytes to judge an epoch by a network of its own, or to write the state of the training,
  /// whichever takes more; neither happens during the other.
  let judgement: Int

  /// Bytes beside these: code that libraries make, and what each thread keeps for the next time.
  let libraries: Int

  /// - Parameters:
  ///   - graph: The whole network, which is judged.
  ///   - trained: The part of it that learns.
  ///   - batchImageCount: Images of a step.
  ///   - heldOutCount: Images that judge an epoch.
  init(
    _ graph: Graph, trained: Graph, _ settings: OptimizerSettings, batchImageCount: Int,
    isMixed: Bool, heldOutCount: Int, threads: Int
  ) throws(GraphError) {
    let (parameters, learning) = (
      try Self.parameterByteCount(graph), try Self.parameterByteCount(trained)
    )
    optimizer = settings.blockCount * learning
    libraries = (8 << 20) + threads * (2 << 20)
    let image = graph.inputShape.elementCount * MemoryLayout<Float>.stride
    batch = (isMixed ? 3 : 2) * batchImageCount * image
    var plan = CPUPlan(workers: threads, threads: 1, maxBatch: FixedNetwork.batchSize)
    plan.batchSizes = [FixedNetwork.batchSize]
    let network = try MemoryEstimate(graph, precision: .fp32, plan: plan, live: nil).byteCount
    // The views of some images, and the numbers that they are gathered from.
    let views = 2 * min(heldOutCount, NetworkTraining.judgedAtOnce) * image
    let judging = heldOutCount == 0 ? 0 : parameters + network + views
    // Parameters to judge and the best ones; or these, and the state that is written.
    judgement =
      parameters + max(judging, learning * (1 + settings.blockCount))
  }

  /// Bytes at once beside the network that learns, without those of libraries.
  var byteCount: Int { optimizer + max(batch, judgement) }

  private static func parameterByteCount(_ graph: Graph) throws(GraphError) -> Int {
    try graph.parameterShapes().values.reduce(0) { $0 + $1.reduce(1, *) }
      * MemoryLayout<Float>.stride
  }
}
