import COneDNN
import Engine
package import ResNet
import Synchronization

/// Network whose parameters are trained, with the memory for a step.
///
/// A step computes a batch in shards of a fixed number of images, which threads take as they come.
/// Sums over the batch are taken shard by shard and added up by a fixed tree, so that the same data
/// gives the same bits on any number of threads. Belongs to one thread at a time.
package final class TrainingNetwork {
  package let options: TrainingOptions
  /// Shape of an image, or of what the frozen part before the graph gives for one.
  package let inputShape: FeatureShape
  package let outputCount: Int
  /// Images of a shard.
  package let shardImageCount: Int
  /// Bytes of all memory that training takes here, without an optimiser's.
  package let byteCount: Int

  /// Shapes of all parameters in files.
  let shapes: [String: [Int]]
  let device: Device
  let stream: Stream
  let graph: TrainingGraph
  let plan: TrainingPlan
  let parameters: ParameterStore
  let computer: ShardComputer
  let team: WorkerTeam
  var state: StepState

  /// Prepares a graph, as it is before any pass over it; nothing of it is shared with `weights`.
  package init(
    _ source: Graph, _ weights: Weights, options: TrainingOptions
  ) throws(TrainingError) {
    try options.validate()
    self.options = options
    do throws(GraphError) {
      try source.validate(weights)
      shapes = try source.parameterShapes()
    } catch {
      throw .graph(error)
    }
    graph = try TrainingGraph(source, frozen: options.frozenNormalizations)
    inputShape = source.inputShape
    outputCount = graph.values[graph.output].shape.channels
    shardImageCount =
      options.shardImageCount
      ?? TrainingOptions.usualShardImageCount(height: inputShape.height, width: inputShape.width)
    var builder: NetworkBuilder
    do throws(EngineError) {
      OneDNN.setThreads(1)
      device = try Device()
      stream = try Stream(device)
      builder = NetworkBuilder(graph, shardImageCount, options, device)
      try builder.makeParameters()
      parameters = try ParameterStore(builder.parameters)
      let shardLimit = (options.batchLimit + shardImageCount - 1) / shardImageCount
      plan = TrainingPlan(
        graph, number: options.number, shardImageCount: shardImageCount, shardLimit: shardLimit,
        recomputes: options.recomputes, weightByteCounts: builder.weightByteCounts(parameters))
      let normalizations = try builder.makeNormalizations(shardLimit: shardLimit)
      state = StepState(normalizations: normalizations)
      byteCount =
        builder.byteCount(plan, workerCount: options.workerCount) + parameters.byteCount
        + normalizations.reduce(0) { $0 + $1.byteCount }
    } catch {
      throw .engine(error)
    }
    if let limit = options.byteLimit, byteCount > limit {
      throw .memory(byteCount: byteCount, limit: limit, batchLimit: options.batchLimit)
    }
    do throws(EngineError) {
      computer = try builder.makeComputer(plan, parameters, workerCount: options.workerCount)
    } catch {
      throw .engine(error)
    }
    team = WorkerTeam(options.workerCount)
    try load(weights)
  }

  /// Result of one step.
  package typealias StepResult = Loss.Value

  /// Computes the loss of a batch, and its gradient by every parameter, which an optimiser then
  /// takes.
  ///
  /// Running statistics move towards those of the batch.
  ///
  /// - Parameter images: `[N, C, H, W]`, at most `options.batchLimit` of them.
  package func step(
    images: Span<Float>, targets: Targets, loss: Loss
  ) throws(TrainingError) -> StepResult {
    let count = try forward(images: images, momentum: options.normalizationMomentum)
    var gradient: [Float] = []
    let value = try loss.evaluate(
      logits(count), outputCount: outputCount, targets, gradient: &gradient)
    do throws(EngineError) { try passBack(gradient, imageCount: count) } catch {
      throw .engine(error)
    }
    return value
  }

  /// Computes a batch's logits `[N, K]` with its own statistics, as a step does; running statistics
  /// move, parameters remain as they are.
  ///
  /// - Parameter momentum: Share of the batch in the running statistics; nil for that of a step.
  package func observe(
    images: Span<Float>, momentum: Double? = nil
  ) throws(TrainingError) -> [Float] {
    logits(
      try forward(images: images, momentum: momentum ?? options.normalizationMomentum))
  }

  private func forward(
    images: Span<Float>, momentum: Double
  ) throws(TrainingError) -> Int {
    let size = inputShape.elementCount
    let count = images.count / size
    guard images.count.isMultiple(of: size), 1...options.batchLimit ~= count else {
      throw .invalid(
        "a batch of \(images.count) numbers; allowed are 1 to \(options.batchLimit) images of "
          + "\(inputShape), \(size) numbers each")
    }
    if let alone = graph.normalizations.first(where: {
      !$0.isFrozen && count * graph.values[$0.value].shape.pixelCount == 1
    }) {
      throw .invalid(
        "\(alone.name) sees one number for each channel, which has no variance; give more than "
          + "one image, or freeze the normalisation")
    }
    do throws(EngineError) {
      // SAFETY: the pointer does not outlive the call.
      try unsafe images.withUnsafeBufferPointer { buffer throws(EngineError) in
        unsafe state.images = buffer.baseAddress
        defer { unsafe state.images = nil }
        try computeForward(imageCount: count, momentum: momentum)
      }
    } catch {
      throw .engine(error)
    }
    return count
  }

  // MARK: Shards

  func shardCount(_ imageCount: Int) -> Int {
    (imageCount + shardImageCount - 1) / shardImageCount
  }

  /// Images of a shard; the last may be incomplete.
  func images(of shard: Int, _ imageCount: Int) -> Int {
    min(shardImageCount, imageCount - shard * shardImageCount)
  }

  /// Runs jobs on the team; throws the first error of one of them.
  func run(
    _ jobCount: Int,
    _ job: @escaping @Sendable (_ job: Int, _ worker: Int) throws(EngineError) -> Void
  ) throws(EngineError) {
    let failure = Failure()
    team.run(jobCount) { index, worker in
      do throws(EngineError) { try job(index, worker) } catch { failure.record(error) }
    }
    if let error = failure.first { throw error }
  }
}

/// The first error of several threads.
private final class Failure: Sendable {
  private let error = Mutex<EngineError?>(nil)

  var first: EngineError? { error.withLock { $0 } }

  func record(_ new: EngineError) { error.withLock { $0 = $0 ?? new } }
}
