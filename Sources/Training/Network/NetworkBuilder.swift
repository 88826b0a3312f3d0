import COneDNN
import Engine
import ResNet

/// Makes the parts of a network in training in the order in which they need each other.
struct NetworkBuilder {
  private let graph: TrainingGraph
  private let shardImageCount: Int
  private let batchLimit: Int
  private let usesWinograd: Bool
  private let number: Number
  private let device: Device
  private var passes: [ConvolutionPasses?]
  /// Places of parameters in the store: of convolutions by value, of normalisations by index.
  private var weightIndices: [(weight: Int, bias: Int?)?]
  private var gammaIndices: [Int] = []
  private(set) var parameters:
    [(name: String, shape: [Int], role: ParameterStore.Role, passes: ConvolutionPasses?)] = []

  init(
    _ graph: TrainingGraph, _ shardImageCount: Int, _ options: TrainingOptions, _ device: Device
  ) {
    number = options.number
    // Tiles of matrices multiply bf16 faster than vectors do the quarter of it in fp32.
    usesWinograd =
      options.usesWinograd && (number == .fp32 || InstructionLevel.used < .avx512AMX)
    batchLimit = options.batchLimit
    self.graph = graph
    self.shardImageCount = shardImageCount
    self.device = device
    passes = graph.values.map { _ in nil }
    weightIndices = graph.values.map { _ in nil }
  }

  // MARK: Parameters

  mutating func makeParameters() throws(EngineError) {
    var known: [ConvolutionShape: ConvolutionPasses] = [:]
    for (id, value) in graph.values.enumerated() {
      guard case .convolution(let convolution, let source) = value.computation else { continue }
      let input = graph.values[source]
      let shape = ConvolutionShape(
        convolution: convolution, images: shardImageCount, batch: batchLimit,
        input: input.shape, output: value.shape, passesBack: input.needsGradient,
        usesWinograd: usesWinograd, number: number, givesLogits: id == graph.output)
      let made: ConvolutionPasses
      if let same = known[shape] {
        made = same
      } else {
        made = try ConvolutionPasses(shape, on: device)
        known[shape] = made
      }
      passes[id] = made
      addParameters(of: id, convolution, value, input.shape, made)
    }
    for normalization in graph.normalizations {
      gammaIndices.append(parameters.count)
      let shape = [normalization.channels]
      parameters.append(("\(normalization.name).weight", shape, .normalizationScale, nil))
      parameters.append(("\(normalization.name).bias", shape, .normalizationShift, nil))
    }
  }

  private mutating func addParameters(
    of id: TrainingGraph.ValueID, _ convolution: Convolution, _ value: TrainingGraph.Value,
    _ input: FeatureShape, _ passes: ConvolutionPasses
  ) {
    let weight = parameters.count
    let shape = [
      convolution.outputChannels, input.channels / convolution.groups, convolution.kernel.height,
      convolution.kernel.width,
    ]
    parameters.append(("\(value.name).weight", shape, .weight, passes))
    if convolution.hasBias {
      parameters.append(("\(value.name).bias", [convolution.outputChannels], .bias, nil))
    }
    weightIndices[id] = (weight, convolution.hasBias ? weight + 1 : nil)
  }

  /// Bytes of each convolution's gradients and copies of weights.
  func weightByteCounts(_ store: ParameterStore) -> [TrainingPlan.WeightByteCounts] {
    zip(passes, weightIndices).map { passes, indices in
      guard let passes, let (weight, bias) = indices else { return .init() }
      let counts = [weight, bias].compactMap(\.self).map { store.parameters[$0].range.count }
      // Each shard's array begins at a cache line.
      let size = counts.reduce(0, +) * MemoryLayout<Float>.stride
      let line = AlignedMemory.alignment
      return TrainingPlan.WeightByteCounts(
        partial: (size + line - 1) / line * line,
        forwardCopy: Self.copyByteCount(passes.forward, passes.packForward),
        toSourceCopy: Self.copyByteCount(passes.toSource, passes.packToSource))
    }
  }

  // MARK: Normalisations

  func makeNormalizations(shardLimit: Int) throws(EngineError) -> [NormalizationState] {
    var states: [NormalizationState] = []
    for (normalization, gamma) in zip(graph.normalizations, gammaIndices) {
      states.append(
        try NormalizationState(
          normalization, shardLimit: shardLimit, gamma: gamma, beta: gamma + 1))
    }
    return states
  }

  // MARK: Memory

  /// Bytes of activations, copies of weights and workers.
  func byteCount(_ plan: TrainingPlan, workerCount: Int) -> Int {
    let worker = plan.workerByteCounts
    let perWorker = worker.source + worker.gradient + worker.contribution + scratchByteCount
    return plan.arena.byteCount + workerCount * perWorker
  }

  private var scratchByteCount: Int {
    passes.compactMap { $0?.scratchByteCount }.max() ?? 0
  }

  private static func copyByteCount(
    _ pass: ConvolutionPasses.Pass?, _ packing: Primitive?
  ) -> Int {
    switch pass {
    case nil: 0
    case .primitive, .widened: packing == nil ? 0 : pass?.weightByteCount ?? 0
    case .winograd(let kernel): kernel.weightByteCount
    case .tiles: 0
    }
  }

  func makeComputer(
    _ plan: TrainingPlan, _ store: ParameterStore, workerCount: Int
  ) throws(EngineError) -> ShardComputer {
    func region(_ byteCount: Int, _ purpose: String) throws(EngineError) -> Region {
      let size = MemoryLayout<Float>.stride
      return try Region(floatCount: (byteCount + size - 1) / size, for: purpose)
    }
    let weights = zip(passes, weightIndices).map { passes, indices -> ShardComputer.Weights? in
      guard let passes, let indices else { return nil }
      return ShardComputer.Weights(
        passes: passes, weight: indices.weight, bias: indices.bias)
    }
    let counts = plan.workerByteCounts
    var workers: [ShardComputer.Worker] = []
    for _ in 0..<workerCount {
      workers.append(
        ShardComputer.Worker(
          stream: try Stream(device), source: try region(counts.source, "activations"),
          gradient: try region(counts.gradient, "gradients"),
          contribution: try region(counts.contribution, "gradients"),
          scratch: try region(scratchByteCount, "scratch memory")))
    }
    var shifts: [Region?] = []
    for value in graph.values {
      let isNormalized = value.terms.contains { $0.normalization != nil }
      shifts.append(
        isNormalized ? try region(value.shape.channels * 4, "batch normalisation") : nil)
    }
    return ShardComputer(
      device: device, instructions: KernelInstructions.best.number, number: number, graph: graph,
      plan: plan,
      arena: try AlignedMemory(
        byteCount: plan.arena.byteCount, for: "activations", prefersHugePages: true),
      parameters: store, weights: weights, workers: workers, shifts: shifts)
  }
}
