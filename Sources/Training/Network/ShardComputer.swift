import CKernels
import COneDNN
import Engine
import ResNet

/// Computes the values of one shard, and passes their gradients back.
///
/// Threads may compute different shards at once: a shard's numbers and a worker's memory belong to
/// one of them at a time, and everything else only changes between phases.
struct ShardComputer {
  typealias ValueID = TrainingGraph.ValueID

  /// Memory of one worker.
  struct Worker {
    let stream: Stream
    /// A source that is computed again, a gradient that is not stored, one to be added to others.
    let source: Region
    let gradient: Region
    let contribution: Region
    /// oneDNN's own.
    let scratch: Region
  }

  /// Passes of a convolution, and the places of its parameters in the store.
  struct Weights {
    let passes: ConvolutionPasses
    let weight: Int
    let bias: Int?
  }

  let device: Device
  let instructions: winograd_instructions
  /// Type of activations and of gradients, but for the logits, which are fp32.
  let number: Number
  let graph: TrainingGraph
  let plan: TrainingPlan
  let arena: AlignedMemory
  let parameters: ParameterStore
  /// Convolutions by value.
  let weights: [Weights?]
  let workers: [Worker]
  /// Sum of what the normalisations of a sum add to their scaled values, by value.
  let shifts: [Region?]

  // MARK: Places

  /// A buffer's part that belongs to a shard.
  func region(_ buffer: Int?, _ shard: Int) -> Region {
    guard let buffer else { preconditionFailure("the plan must have a buffer for what is read") }
    let whole = region(buffer)
    return whole.part(shard, byteCount: whole.byteCount / plan.shardLimit)
  }

  /// A buffer that all shards share.
  func region(_ buffer: Int) -> Region {
    Region(
      arena, offset: plan.arena.offsets[buffer], byteCount: plan.byteCount(ofBuffer: buffer))
  }

  func activation(_ value: ValueID, _ shard: Int) -> Region {
    region(plan.activations[value], shard)
  }

  /// A value as the backward pass reads it.
  func laterActivation(_ value: ValueID, _ shard: Int) -> Region {
    region(plan.recomputations[value] ?? plan.activations[value], shard)
  }

  func gradient(_ value: ValueID, _ shard: Int) -> Region { region(plan.gradients[value], shard) }

  func partial(_ value: ValueID, _ shard: Int) -> Region { region(plan.partials[value], shard) }

  var isNarrow: Bool { number == .bf16 }

  func rows(_ value: ValueID, _ images: Int) -> Int64 {
    Int64(images * graph.values[value].shape.pixelCount)
  }

  func channels(_ value: ValueID) -> Int64 { Int64(graph.values[value].shape.channels) }

  /// Makes the numbers of images that an incomplete shard does not have zero, so that they add
  /// nothing to sums over the shard.
  func clearRest(_ region: Region, _ value: ValueID, _ images: Int) {
    guard images < plan.shardImageCount else { return }
    region.clear(fromByte: images * graph.values[value].shape.elementCount * number.byteCount)
  }

  // MARK: Forward

  /// Computes a value of the first `images` images of a shard.
  func compute(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState, _ worker: Int
  ) throws(EngineError) {
    let result = activation(id, shard)
    switch graph.values[id].computation {
    case .input:
      let shape = graph.values[id].shape
      let count = shape.elementCount
      guard let planes = unsafe state.images else {
        preconditionFailure("a step must have images")
      }
      for image in 0..<images {
        // SAFETY: the step has checked that there are as many images as its shards have.
        unsafe training_interleave(
          Int64(shape.channels), Int64(shape.pixelCount),
          planes + (shard * plan.shardImageCount + image) * count,
          isNarrow, result.part(image, byteCount: count * number.byteCount).address)
      }
    case .convolution(_, let source):
      try convolve(
        id, read(source, shard, images: images, state, workers[worker].source), into: result,
        copy: plan.forwardCopies[id], worker)
    case .maximum(let pooling, let source), .average(let pooling, let source):
      let input = read(source, shard, images: images, state, workers[worker].source)
      var pass = pass(pooling, id, source, images)
      let places = plan.choices[id].map { region($0, shard) }
      unsafe training_pool(
        instructions, &pass, input.bytes, result.address,
        places?.address.assumingMemoryBound(to: UInt8.self))
    case .sampling(let sampling, let source):
      let input = read(source, shard, images: images, state, workers[worker].source)
      var pass = pass(sampling, id, source, images)
      unsafe training_sample(instructions, &pass, input.bytes, result.address)
    case .sum: sum(id, shard, images: images, state, into: result)
    }
    // Nothing reads the logits of images that are not there.
    if id != graph.output { clearRest(result, id, images) }
    measure(id, shard, images: images, state)
  }

  /// Returns a stored value, or computes it into `memory`.
  func read(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState, _ memory: Region
  ) -> Region {
    guard graph.values[id].isLazy else { return activation(id, shard) }
    sum(id, shard, images: images, state, into: memory)
    let own = memory.part(0, byteCount: plan.shardByteCount(id))
    clearRest(own, id, images)
    return own
  }

  /// - Parameter copy: Buffer of the weights; nil if they are read where they lie.
  func convolve(
    _ id: ValueID, _ source: Region, into result: Region, copy: Int?, _ worker: Int
  ) throws(EngineError) {
    guard let weights = weights[id] else { preconditionFailure("a convolution has weights") }
    let packed = copy.map(region) ?? parameters.value(weights.weight)
    let scratch = workers[worker].scratch
    if case .winograd(let kernel) = weights.passes.forward {
      return unsafe kernel.run(
        source: source.address, weights: packed.numbers, destination: result.address,
        scratchpad: scratch.address)
    }
    var regions = [
      (role: ONEDNN_SOURCE, region: source), (ONEDNN_DESTINATION, result),
      (ONEDNN_WEIGHTS, packed),
    ]
    if let bias = weights.bias { regions.append((ONEDNN_BIAS, parameters.value(bias))) }
    try weights.passes.forward.run(device, workers[worker].stream, regions, scratch: scratch)
  }

  func sum(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState, into result: Region
  ) {
    guard case .sum(let terms, let rectifies) = graph.values[id].computation else { return }
    let scales = terms.map { term in
      term.normalization.map { state.normalizations[$0].scale }
    }
    combine(
      id, images, activation(terms[0].value, shard), scale: scales[0],
      shift: scales[0] == nil ? nil : shifts[id],
      adding: terms.count > 1 ? activation(terms[1].value, shard) : nil,
      addendScale: terms.count > 1 ? scales[1] : nil, rectifies: rectifies, into: result)
  }

  /// Adds up a value for the normalisations by its own statistics that read it.
  func measure(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState
  ) {
    for (index, normalization) in graph.normalizations.enumerated()
    where normalization.value == id && !normalization.isFrozen {
      let sums = state.normalizations[index].partial(shard, row: 0)
      let squares = state.normalizations[index].partial(shard, row: 1)
      unsafe training_sum(
        instructions, rows(id, images), channels(id), isNarrow, activation(id, shard).bytes,
        sums.doubles, squares.doubles)
    }
  }
}

// SAFETY: threads write only the shard and the worker's memory that they are given; see above.
extension ShardComputer: @unchecked Sendable {}

/// Numbers of a step that all shards read.
@safe
struct StepState {
  var normalizations: [NormalizationState]
  /// First of the batch's images `[N, C, H, W]`; valid while the step runs.
  var images: UnsafePointer<Float>?

  init(normalizations: [NormalizationState]) {
    self.normalizations = normalizations
    unsafe images = nil
  }
}

// SAFETY: it only changes between phases, when no shard is computed.
extension StepState: @unchecked Sendable {}
