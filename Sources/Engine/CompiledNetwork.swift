package import ResNet

/// Network as computations for a few batch sizes, with one packed copy of its weights.
///
/// Immutable, and shared by all workers; each runs it through an `ExecutionContext` of its own.
package final class CompiledNetwork: Sendable {
  /// Shape of one image.
  package let inputShape: FeatureShape
  package let inputEncoding: InputEncoding
  /// Logits per image.
  package let outputCount: Int
  /// Shapes of one image's outputs of `CompilationOptions.taps`, in their order.
  package let tapShapes: [FeatureShape]
  /// Bytes of the packed weights, all layers and layouts together.
  package let weightByteCount: Int
  package let threads: Int
  /// Steps of all plans that run as one of oneDNN's plain loops, all of them small.
  package let referenceStepCount: Int
  /// Threads of the team that a lone image may run on; nil if none was asked for.
  package let teamThreads: Int?

  let device: Device
  /// Largest batch first; the last is 1.
  let plans: [Plan]
  /// Plan for one image on the team.
  let teamPlan: Plan?

  /// Compiles on the calling thread; `weights` may be released afterwards.
  ///
  /// While it compiles, oneDNN shares its programs between identical layers, also with other
  /// compilations at the same time; afterwards only the networks that run them keep them.
  package init(
    _ graph: Graph, _ weights: Weights, options: CompilationOptions = CompilationOptions()
  ) throws(EngineError) {
    precondition(options.threads > 0, "threads must be positive")
    precondition(options.batchSizes.allSatisfy { $0 > 0 }, "batch sizes must be positive")
    device = try Device()
    if let refusal = options.precision.refusal { throw .unsupported(refusal) }
    defer { OneDNN.emptyCache() }
    OneDNN.setThreads(options.threads)
    let lowered = try LoweredGraph(
      graph, weights, taps: options.taps,
      calibration: options.precision == .int8 ? options.calibration : nil)
    let packed = try PackedWeights(device)
    var plans: [Plan] = []
    for batch in Self.batchSizes(options, lowered.graph) {
      var planner = Planner(device, lowered, batch: batch, options: options, packed: packed)
      plans.append(try planner.plan())
    }
    self.plans = plans.reversed()
    teamThreads = options.teamThreads
    teamPlan = try Self.teamPlan(device, lowered, options, packed)
    referenceStepCount = (plans + [teamPlan].compactMap(\.self)).reduce(0) { count, plan in
      count + plan.steps.count { $0.computation.isReference }
    }
    inputShape = lowered.shapes[0]
    inputEncoding = Self.encoding(options.input, self.plans[0].inputFormat)
    outputCount = lowered.shapes[lowered.graph.output].elementCount
    tapShapes = lowered.taps.map { lowered.shapes[$0] }
    weightByteCount = packed.byteCount
    threads = options.threads
  }

  /// Plans for the team, over weights as the other plans have packed them if the team's primitives
  /// can take them so.
  private static func teamPlan(
    _ device: Device, _ lowered: LoweredGraph, _ options: CompilationOptions,
    _ packed: PackedWeights
  ) throws(EngineError) -> Plan? {
    guard let threads = options.teamThreads else { return nil }
    precondition(threads > 0, "teamThreads must be positive")
    var team = options
    team.threads = threads
    OneDNN.setThreads(threads)
    defer { OneDNN.setThreads(options.threads) }
    var planner = Planner(device, lowered, batch: 1, options: team, packed: packed)
    return try planner.plan()
  }

  private static func encoding(
    _ order: InputOrder, _ format: TensorFormat
  ) -> InputEncoding {
    guard order == .pixels else { return .planes }
    return switch format.number {
    case .fp32: .fp32
    case .bf16: .bf16
    case .s8, .u8: .s8(scale: format.scale, zeroPoint: Int(format.zeroPoint))
    }
  }

  /// Bytes of one image.
  package var inputByteCount: Int {
    switch inputEncoding {
    case .planes, .fp32: 4 * inputShape.elementCount
    case .bf16: 2 * inputShape.elementCount
    case .s8: inputShape.elementCount
    }
  }

  /// Convolutions beyond which a network runs one image at a time, whatever the options say:
  /// algorithms differ between batch sizes in their rounding, and through ResNet-1202 that grows
  /// beyond 1e-6 of the largest logit, so that an image's result would depend on its neighbours.
  static let batchedConvolutionLimit = 256

  private static func batchSizes(_ options: CompilationOptions, _ graph: Graph) -> [Int] {
    let convolutionCount = graph.nodes.count {
      if case .convolution = $0.operation { true } else { false }
    }
    guard convolutionCount <= batchedConvolutionLimit else { return [1] }
    return Set(options.batchSizes + [1]).sorted()
  }

  /// Images that `ExecutionContext.run` takes at once without splitting them.
  package var largestBatch: Int { plans[0].batch }

  /// Bytes of activations and scratch memory that each context without a team takes.
  package var contextByteCount: Int {
    (plans.map(\.arenaByteCount).max() ?? 0) + (plans.map(\.scratchpadByteCount).max() ?? 0)
  }

  /// Description of a step: the node, and the implementation that computes it.
  package struct StepDescription: Sendable {
    package let name: String
    /// oneDNN's name for its implementation, or `winograd:` and the instructions of our own kernel.
    package let implementation: String
    /// Whether this is one of oneDNN's plain loops.
    package let isReference: Bool
    /// Whether it leaves out a clip of what it adds, and clips the sum alone, as convolutions of
    /// oneDNN on integers do.
    package let clipsSumAlone: Bool
  }

  /// Returns the steps of the plan for one of the compiled batch sizes, in order.
  package func steps(batch: Int) -> [StepDescription] {
    Self.steps(plans.first { $0.batch == batch })
  }

  /// Steps of a lone image on the team; empty without a team.
  package var teamSteps: [StepDescription] { Self.steps(teamPlan) }

  private static func steps(_ plan: Plan?) -> [StepDescription] {
    (plan?.steps ?? []).map {
      StepDescription(
        name: $0.name, implementation: $0.computation.implementation,
        isReference: $0.computation.isReference, clipsSumAlone: $0.clipsSumAlone)
    }
  }

  /// Batch sizes that run without being composed of others, largest first.
  package var batchSizes: [Int] { plans.map(\.batch) }
}
