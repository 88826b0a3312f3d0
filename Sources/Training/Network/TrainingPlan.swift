import Engine
import ResNet

/// Order of a step's computations, and where their numbers lie.
///
/// All shards of a phase are computed side by side; between two phases the sums of batch
/// normalisations and the partial gradients of weights are added up over the shards.
struct TrainingPlan {
  typealias ValueID = TrainingGraph.ValueID

  struct Phase {
    /// Copies of weights to make before the phase, the largest first: threads may have to wait for
    /// them.
    var copies: [WeightCopy] = []
    /// Values in the order in which each shard computes them, or passes their gradients back.
    var values: [ValueID] = []
    /// Normalisations whose sums are complete after the phase.
    var normalizations: [Int] = []
  }

  /// Copy of a convolution's weights in the layout that one of its passes reads.
  struct WeightCopy {
    var value: ValueID
    /// Whether it is for the gradient of the source.
    var isTurned: Bool
    var buffer: Int
  }

  /// Bytes of what a convolution needs besides values, 0 for others.
  struct WeightByteCounts {
    /// Gradients of its parameters by one shard.
    var partial = 0
    /// Copies for the forward pass and for the gradient of the source; 0 where the pass reads the
    /// parameters as they lie.
    var forwardCopy = 0
    var toSourceCopy = 0
  }

  /// Way of a sum's gradient to a term without a normalisation.
  enum TermGradient { case none, shared, copied, added }

  /// Gradient of a value that a normalisation reads, and what becomes of it.
  struct NormalizationReader {
    var normalization: Int
    var addsToOthers: Bool
  }

  private let graph: TrainingGraph
  private let weightByteCounts: [WeightByteCounts]
  /// Type of activations and of gradients, but for the logits, which are fp32.
  private let number: Number
  /// Images of a shard, and shards of the largest batch.
  let shardImageCount: Int
  let shardLimit: Int
  private(set) var forward: [Phase] = []
  private(set) var backward: [Phase] = []

  /// Buffers of values, by value; nil for those that have none.
  private(set) var activations: [Int?]
  /// Buffers of values that are computed again in the backward pass, where they are read there.
  private(set) var recomputations: [Int?]
  private(set) var gradients: [Int?]
  /// Places of maxima, one byte each.
  private(set) var choices: [Int?]
  /// Partial gradients of a convolution's weights and bias, one array for each shard.
  private(set) var partials: [Int?]
  /// Copies of weights, each of them in the phases that read it only: all together would take many
  /// times the memory of the weights.
  private(set) var forwardCopies: [Int?]
  private(set) var recomputationCopies: [Int?]
  private(set) var toSourceCopies: [Int?]

  /// Whether the gradient that a value passes to its source is added to others.
  private(set) var addsToSource: [Bool]
  private(set) var termGradients: [[TermGradient]]
  /// Normalisations that read a value; with `isGradientLazy`, the only reader.
  private(set) var normalizationReaders: [[NormalizationReader]]
  /// Whether a value's gradient is computed where it is used, from that of the sum after it.
  private(set) var isGradientLazy: [Bool]

  private var buffers: [ArenaLayout.Buffer] = []
  private var isWritten: [Bool]
  private(set) var arena = ArenaLayout([])

  /// - Parameter weightByteCounts: Of each value.
  init(
    _ graph: TrainingGraph, number: Number, shardImageCount: Int, shardLimit: Int,
    recomputes: Bool, weightByteCounts: [WeightByteCounts]
  ) {
    self.graph = graph
    self.number = number
    self.weightByteCounts = weightByteCounts
    self.shardImageCount = shardImageCount
    self.shardLimit = shardLimit
    let count = graph.values.count
    activations = Array(repeating: nil, count: count)
    recomputations = activations
    gradients = activations
    choices = activations
    partials = activations
    forwardCopies = activations
    recomputationCopies = activations
    toSourceCopies = activations
    addsToSource = Array(repeating: false, count: count)
    isWritten = addsToSource
    isGradientLazy = addsToSource
    termGradients = graph.values.map { $0.terms.map { _ in .none } }
    normalizationReaders = Array(repeating: [], count: count)
    planForward()
    planBackward(recomputes ? graph.values.indices.map(isRecomputable) : [])
    forward = forward.map(sortingCopies)
    backward = backward.map(sortingCopies)
    arena = ArenaLayout(buffers)
  }

  func byteCount(ofBuffer buffer: Int) -> Int { buffers[buffer].byteCount }

  private func sortingCopies(of phase: Phase) -> Phase {
    var phase = phase
    phase.copies.sort { buffers[$0.buffer].byteCount > buffers[$1.buffer].byteCount }
    return phase
  }

  /// Returns the buffer of a copy of weights that a phase makes; nil if it needs none.
  private mutating func makeCopy(
    of value: ValueID, isTurned: Bool, in phase: inout Phase, at time: Int
  ) -> Int? {
    let counts = weightByteCounts[value]
    let byteCount = isTurned ? counts.toSourceCopy : counts.forwardCopy
    guard byteCount > 0 else { return nil }
    let buffer = makeBuffer(byteCount: byteCount, at: time)
    phase.copies.append(WeightCopy(value: value, isTurned: isTurned, buffer: buffer))
    return buffer
  }

  /// Bytes of one shard's numbers of a value, or of its gradient.
  func shardByteCount(_ value: ValueID) -> Int {
    Self.wholeLines(numberCount(value) * number.byteCount)
  }

  private func numberCount(_ value: ValueID) -> Int {
    shardImageCount * graph.values[value].shape.elementCount
  }

  private func activationByteCount(_ value: ValueID) -> Int {
    value == graph.output
      ? Self.wholeLines(numberCount(value) * MemoryLayout<Float>.stride) : shardByteCount(value)
  }

  /// Each shard's numbers begin at a cache line.
  private static func wholeLines(_ byteCount: Int) -> Int {
    let line = AlignedMemory.alignment
    return (byteCount + line - 1) / line * line
  }

  private mutating func makeBuffer(byteCount: Int, at time: Int) -> Int {
    buffers.append(ArenaLayout.Buffer(byteCount: byteCount, lifetime: time...time))
    return buffers.count - 1
  }

  private mutating func touch(_ buffer: Int?, at time: Int) {
    guard let buffer else { return }
    let lifetime = buffers[buffer].lifetime
    buffers[buffer].lifetime = min(lifetime.lowerBound, time)...max(lifetime.upperBound, time)
  }

  /// Prolongs the life of what is read where a value is: its own numbers, or those that it is
  /// computed from again.
  private mutating func touchActivation(_ value: ValueID, at time: Int) {
    guard graph.values[value].isLazy else { return touch(activations[value], at: time) }
    for term in graph.values[value].terms { touch(activations[term.value], at: time) }
  }

  // MARK: Forward

  private mutating func planForward() {
    var phase = Phase()
    for id in graph.values.indices where !graph.values[id].isLazy {
      let value = graph.values[id]
      let read = value.source.map { graph.values[$0].isLazy ? graph.values[$0].terms : [] }
      let needed = (read ?? value.terms).compactMap(\.normalization)
      if needed.contains(where: phase.normalizations.contains) {
        forward.append(phase)
        phase = Phase()
      }
      let time = forward.count
      phase.values.append(id)
      forwardCopies[id] = makeCopy(of: id, isTurned: false, in: &phase, at: time)
      phase.normalizations += graph.normalizations.indices.filter {
        graph.normalizations[$0].value == id && !graph.normalizations[$0].isFrozen
      }
      activations[id] = makeBuffer(byteCount: shardLimit * activationByteCount(id), at: time)
      if case .maximum = value.computation {
        choices[id] = makeBuffer(
          byteCount: shardLimit * Self.wholeLines(numberCount(id)), at: time)
      }
      if let source = value.source { touchActivation(source, at: time) }
      for term in value.terms { touch(activations[term.value], at: time) }
    }
    forward.append(phase)
  }

  // MARK: Backward

  /// Phase of the loss, which lies between the two passes.
  private var lossTime: Int { forward.count }

  /// Tells whether a value is a convolution's that only a stored sum reads, and its normalisation.
  private func isRecomputable(_ id: ValueID) -> Bool {
    let value = graph.values[id]
    guard case .convolution = value.computation, value.readers.count == 1 else { return false }
    let reader = graph.values[value.readers[0]]
    return reader.terms.count > 1
      && reader.terms.contains { $0.value == id && $0.normalization != nil }
  }

  private mutating func planBackward(_ recomputes: [Bool]) {
    touch(activations[graph.output], at: lossTime)
    write(graph.output, at: lossTime)
    var phase = Phase()
    for id in graph.values.indices.reversed() where graph.values[id].needsGradient {
      let readers = graph.values[id].readers.flatMap { graph.values[$0].terms }.filter {
        $0.value == id
      }.compactMap(\.normalization)
      let needed = Set(readers).filter { !graph.normalizations[$0].isFrozen }
      if needed.contains(where: phase.normalizations.contains) {
        backward.append(phase)
        phase = Phase()
      }
      let time = lossTime + 1 + backward.count
      phase.values.append(id)
      takeGradient(of: id, from: Array(Set(readers)).sorted(), at: time)
      let value = graph.values[id]
      if let source = value.source {
        passGradient(from: id, to: source, in: &phase, at: time)
      } else {
        phase.normalizations += value.terms.compactMap(\.normalization)
        for term in value.terms where !recomputes.isEmpty && recomputes[term.value] {
          recompute(term.value, in: &phase, at: time)
        }
        passGradientToTerms(of: id, at: time)
      }
    }
    backward.append(phase)
  }

  /// Notes that a value's gradient is written, for the first time or not.
  private mutating func write(_ value: ValueID, at time: Int) {
    if gradients[value] == nil {
      gradients[value] = makeBuffer(byteCount: shardLimit * shardByteCount(value), at: time)
    }
    touch(gradients[value], at: time)
    isWritten[value] = true
  }

  private mutating func recompute(_ id: ValueID, in phase: inout Phase, at time: Int) {
    recomputationCopies[id] = makeCopy(of: id, isTurned: false, in: &phase, at: time)
    recomputations[id] = makeBuffer(byteCount: shardLimit * shardByteCount(id), at: time)
    if let source = graph.values[id].source { touchActivation(source, at: time) }
  }

  private mutating func takeGradient(of id: ValueID, from readers: [Int], at time: Int) {
    if !readers.isEmpty { touch(recomputations[id] ?? activations[id], at: time) }
    for normalization in readers {
      touch(gradients[graph.normalizations[normalization].sum], at: time)
    }
    isGradientLazy[id] = !isWritten[id] && readers.count == 1 && graph.values[id].source != nil
    for normalization in readers {
      normalizationReaders[id].append(
        NormalizationReader(normalization: normalization, addsToOthers: isWritten[id]))
      if !isGradientLazy[id] { write(id, at: time) }
    }
    touch(gradients[id], at: time)
  }

  private mutating func passGradient(
    from id: ValueID, to source: ValueID, in phase: inout Phase, at time: Int
  ) {
    touch(choices[id], at: time)
    if case .convolution = graph.values[id].computation {
      touchActivation(source, at: time)
      partials[id] = makeBuffer(byteCount: shardLimit * weightByteCounts[id].partial, at: time)
    }
    guard graph.values[source].needsGradient else { return }
    toSourceCopies[id] = makeCopy(of: id, isTurned: true, in: &phase, at: time)
    addsToSource[id] = isWritten[source]
    write(source, at: time)
  }

  private mutating func passGradientToTerms(of sum: ValueID, at time: Int) {
    touch(gradients[sum], at: time)
    // A stored result tells where the ReLU was open; else the term does.
    touchActivation(sum, at: time)
    for (index, term) in graph.values[sum].terms.enumerated() {
      if term.normalization != nil {
        touch(recomputations[term.value] ?? activations[term.value], at: time)
      } else if graph.values[term.value].needsGradient {
        if isWritten[term.value] {
          termGradients[sum][index] = .added
        } else if !termGradients[sum].contains(.shared),
          canShareGradient(of: sum, with: term.value)
        {
          termGradients[sum][index] = .shared
          gradients[term.value] = gradients[sum]
        } else {
          termGradients[sum][index] = .copied
        }
        write(term.value, at: time)
      }
    }
  }

  /// Tells whether a term's gradient may take the place of the sum's: whether nothing reads the
  /// latter after the former has changed.
  private func canShareGradient(of sum: ValueID, with value: ValueID) -> Bool {
    let later = graph.values[sum].terms.filter { $0.normalization != nil }.map(\.value)
    let others = graph.values[value].readers.filter { $0 < sum }
    let firstChange = max(value, others.max() ?? value)
    return later.allSatisfy { $0 > firstChange }
  }

  // MARK: Memory of a worker

  /// Bytes that a worker needs for a source that is computed again, for a gradient that is computed
  /// where it is used, and for one before it is added to others.
  var workerByteCounts: (source: Int, gradient: Int, contribution: Int) {
    var counts = (source: 0, gradient: 0, contribution: 0)
    for (id, value) in graph.values.enumerated() {
      if let source = value.source, graph.values[source].isLazy {
        counts.source = max(counts.source, shardByteCount(source))
      }
      if isGradientLazy[id] { counts.gradient = max(counts.gradient, shardByteCount(id)) }
      if addsToSource[id], let source = value.source {
        counts.contribution = max(counts.contribution, shardByteCount(source))
      }
      if normalizationReaders[id].contains(where: \.addsToOthers) {
        counts.contribution = max(counts.contribution, shardByteCount(id))
      }
    }
    return counts
  }
}
