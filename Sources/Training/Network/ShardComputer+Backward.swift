import CKernels
import COneDNN
import Engine
import ResNet

extension ShardComputer {
  /// Passes a value's gradient to what it was computed from.
  func passBack(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState, _ worker: Int
  ) throws(EngineError) {
    let own = takeGradient(id, shard, images: images, state, worker)
    let value = graph.values[id]
    guard let source = value.source else {
      for term in value.terms where plan.recomputations[term.value] != nil {
        try recompute(term.value, shard, images: images, state, worker)
      }
      return passToTerms(id, own, shard, images: images, state)
    }
    if case .convolution = value.computation {
      let input = read(source, shard, images: images, state, workers[worker].source)
      try passToWeights(id, input, own, shard, worker)
    }
    guard graph.values[source].needsGradient else { return }
    let sum = gradient(source, shard)
    let adds = plan.addsToSource[id]
    let target =
      adds
      ? workers[worker].contribution.part(0, byteCount: sum.byteCount) : sum
    switch value.computation {
    case .convolution: try passToSource(id, own, into: target, worker)
    case .maximum(let pooling, _), .average(let pooling, _):
      var pass = pass(pooling, id, source, images)
      let places = plan.choices[id].map { region($0, shard) }
      unsafe training_pool_back(
        instructions, &pass, own.bytes, places?.address.assumingMemoryBound(to: UInt8.self),
        target.address)
    case .sampling(let sampling, _):
      var pass = pass(sampling, id, source, images)
      unsafe training_sample_back(instructions, &pass, own.bytes, target.address)
    case .input, .sum: break
    }
    if adds { combine(source, images, sum, adding: target, into: sum) }
    clearRest(sum, source, images)
  }

  /// Computes a convolution again, to the same bits.
  private func recompute(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState, _ worker: Int
  ) throws(EngineError) {
    guard let source = graph.values[id].source else { return }
    let result = laterActivation(id, shard)
    try convolve(
      id, read(source, shard, images: images, state, workers[worker].source), into: result,
      copy: plan.recomputationCopies[id], worker)
    clearRest(result, id, images)
  }

  /// Completes a value's gradient by what normalisations that read it give.
  func takeGradient(
    _ id: ValueID, _ shard: Int, images: Int, _ state: borrowing StepState, _ worker: Int
  ) -> Region {
    let isLazy = plan.isGradientLazy[id]
    let byteCount = plan.shardByteCount(id)
    let own =
      isLazy ? workers[worker].gradient.part(0, byteCount: byteCount) : gradient(id, shard)
    for reader in plan.normalizationReaders[id] {
      let target =
        reader.addsToOthers
        ? workers[worker].contribution.part(0, byteCount: byteCount) : own
      normalizeBack(id, reader.normalization, shard, images: images, state, into: target)
      if reader.addsToOthers { combine(id, images, own, adding: target, into: own) }
      clearRest(own, id, images)
    }
    return own
  }

  func normalizeBack(
    _ id: ValueID, _ index: Int, _ shard: Int, images: Int, _ state: borrowing StepState,
    into target: Region
  ) {
    let normalization = state.normalizations[index]
    combine(
      id, images, laterActivation(id, shard), scale: normalization.valueFactor,
      shift: normalization.term,
      adding: gradient(graph.normalizations[index].sum, shard),
      addendScale: normalization.gradientFactor, into: target)
  }

  func passToWeights(
    _ id: ValueID, _ source: Region, _ own: Region, _ shard: Int, _ worker: Int
  ) throws(EngineError) {
    guard let weights = weights[id] else { preconditionFailure("a convolution has weights") }
    let sums = partial(id, shard)
    let count = parameters.parameters[weights.weight].range.count
    let filters = sums.floats(at: 0, count: count)
    let scratch = workers[worker].scratch
    switch weights.passes.toWeights {
    case .winograd(let kernel):
      return unsafe kernel.passToFilters(
        source: source.bytes, gradient: own.bytes, filters: filters.floats,
        scratchpad: scratch.address)
    case .tiles(let kernel):
      return unsafe kernel.run(
        source: source.bytes, gradient: own.bytes, filters: filters.floats,
        scratchpad: scratch.address)
    case .primitive, .widened: break
    }
    var regions = [
      (role: ONEDNN_SOURCE, region: source), (ONEDNN_DESTINATION_GRADIENT, own),
      (ONEDNN_WEIGHTS_GRADIENT, filters),
    ]
    if let bias = weights.bias {
      let biasCount = parameters.parameters[bias].range.count
      regions.append((ONEDNN_BIAS_GRADIENT, sums.floats(at: count, count: biasCount)))
    }
    try weights.passes.toWeights.run(device, workers[worker].stream, regions, scratch: scratch)
  }

  func passToSource(
    _ id: ValueID, _ own: Region, into target: Region, _ worker: Int
  ) throws(EngineError) {
    guard let weights = weights[id], let pass = weights.passes.toSource else {
      preconditionFailure("a convolution whose source needs a gradient has the pass for it")
    }
    let packed = plan.toSourceCopies[id].map(region) ?? parameters.value(weights.weight)
    let scratch = workers[worker].scratch
    if case .winograd(let kernel) = pass {
      return unsafe kernel.run(
        source: own.address, weights: packed.numbers, destination: target.address,
        scratchpad: scratch.address)
    }
    try pass.run(
      device, workers[worker].stream,
      [
        (ONEDNN_DESTINATION_GRADIENT, own), (ONEDNN_SOURCE_GRADIENT, target),
        (ONEDNN_WEIGHTS, packed),
      ], scratch: scratch)
  }

  /// Takes the gradient through a sum's ReLU, adds it up for the normalisations of the sum, and
  /// passes it to the other terms.
  func passToTerms(
    _ id: ValueID, _ own: Region, _ shard: Int, images: Int, _ state: borrowing StepState
  ) {
    guard case .sum(let terms, let rectifies) = graph.values[id].computation else { return }
    let normalized = terms.compactMap(\.normalization)
    let rows = normalized.map { state.normalizations[$0] }
    let values = normalized.indices.map { laterActivation(terms[$0].value, shard) }
    var (result, scale): (Region?, Region?)
    if rectifies {
      // A stored result tells where the ReLU was open; else the term does.
      if graph.values[id].isLazy, let first = rows.first {
        scale = first.scale
      } else {
        result = activation(graph.values[id].isLazy ? terms[0].value : id, shard)
      }
    }
    var pass = unsafe training_rectification(
      rows: self.rows(id, images), channels: channels(id), bfloat16: isNarrow,
      gradient: own.address, result: result?.bytes, scale: scale?.numbers,
      shift: scale == nil ? nil : shifts[id]?.numbers, term_count: CInt(rows.count),
      values: (values.first?.bytes, values.dropFirst().first?.bytes),
      means: (rows.first?.kernelMean.numbers, rows.dropFirst().first?.kernelMean.numbers),
      sums: rows.first?.partial(shard, row: 0).doubles,
      products: (
        rows.first?.partial(shard, row: 1).doubles,
        rows.dropFirst().first?.partial(shard, row: 1).doubles
      ))
    unsafe training_rectify(instructions, &pass)
    for (term, way) in zip(terms, plan.termGradients[id]) {
      switch way {
      case .none, .shared: break
      case .added:
        let sum = gradient(term.value, shard)
        combine(term.value, images, sum, adding: own, into: sum)
      case .copied: gradient(term.value, shard).copy(own)
      }
    }
  }
}
