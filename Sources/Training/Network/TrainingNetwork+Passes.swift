import CKernels
import Engine
import ResNet

extension TrainingNetwork {
  // MARK: Forward

  func computeForward(imageCount: Int, momentum: Double) throws(EngineError) {
    for index in graph.normalizations.indices where graph.normalizations[index].isFrozen {
      finishForward(index, imageCount, momentum)
    }
    for phase in plan.forward {
      try copyWeights(phase.copies)
      let (computer, state) = (computer, state)
      let size = shardImageCount
      try run(shardCount(imageCount)) { shard, worker throws(EngineError) in
        let images = min(size, imageCount - shard * size)
        for id in phase.values {
          try computer.compute(id, shard, images: images, state, worker)
        }
      }
      for index in phase.normalizations { finishForward(index, imageCount, momentum) }
    }
  }

  private func finishForward(_ index: Int, _ imageCount: Int, _ momentum: Double) {
    let normalization = graph.normalizations[index]
    let gamma = state.normalizations[index].gamma
    state.normalizations[index].finishForward(
      shardCount: shardCount(imageCount), count: numberCount(index, imageCount),
      momentum: momentum, gamma: parameters.value(gamma))
    guard let shift = computer.shifts[normalization.sum] else { return }
    let terms = graph.values[normalization.sum].terms.compactMap(\.normalization)
    for channel in 0..<normalization.channels {
      shift[channel] = Float(
        terms.reduce(0) { sum, index in
          let state = state.normalizations[index]
          let scale =
            Double(parameters.value(state.gamma)[channel]) * state.inverseDeviation[channel]
          return sum + Double(parameters.value(state.beta)[channel]) - state.mean[channel] * scale
        })
    }
  }

  /// Numbers of each channel in a batch.
  private func numberCount(_ index: Int, _ imageCount: Int) -> Int {
    imageCount * graph.values[graph.normalizations[index].value].shape.pixelCount
  }

  /// Logits of the batch that was computed last, `[N, K]`.
  func logits(_ imageCount: Int) -> [Float] {
    (0..<shardCount(imageCount)).flatMap { shard in
      computer.activation(graph.output, shard)
        .floats(at: 0, count: images(of: shard, imageCount) * outputCount).values
    }
  }

  // MARK: Backward

  func passBack(_ gradient: [Float], imageCount: Int) throws(EngineError) {
    for shard in 0..<shardCount(imageCount) {
      let count = images(of: shard, imageCount) * outputCount
      let target = computer.gradient(graph.output, shard)
      let start = shard * shardImageCount * outputCount
      target.write(gradient[start..<start + count].span, as: options.number)
    }
    for phase in plan.backward {
      try copyWeights(phase.copies)
      let (computer, state) = (computer, state)
      let size = shardImageCount
      try run(shardCount(imageCount)) { shard, worker throws(EngineError) in
        let images = min(size, imageCount - shard * size)
        for id in phase.values {
          try computer.passBack(id, shard, images: images, state, worker)
        }
      }
      for index in phase.normalizations { finishBackward(index, imageCount) }
      try addWeightGradients(phase, shardCount: shardCount(imageCount))
    }
  }

  private func finishBackward(_ index: Int, _ imageCount: Int) {
    let sum = graph.normalizations[index].sum
    // The sum's first normalisation has the sums of the gradient that all of them share.
    let first = graph.values[sum].terms.compactMap(\.normalization).first ?? index
    let shardCount = shardCount(imageCount)
    let sums = state.normalizations[first].total(row: 0, shardCount: shardCount)
    let (gamma, beta) = (state.normalizations[index].gamma, state.normalizations[index].beta)
    state.normalizations[index].finishBackward(
      shardCount: shardCount, count: numberCount(index, imageCount), sums: sums,
      gamma: parameters.value(gamma), gammaGradient: parameters.gradient(gamma),
      betaGradient: parameters.gradient(beta))
  }

  /// Adds up the shards' gradients of the weights and biases of a phase's convolutions.
  private func addWeightGradients(
    _ phase: TrainingPlan.Phase, shardCount: Int
  ) throws(EngineError) {
    var jobs: [WeightGradientPart] = []
    for id in phase.values {
      guard let weights = computer.weights[id] else { continue }
      let partials = (computer.partial(id, 0), computer.partial(id, plan.shardLimit - 1))
      let stride = partials.0.floatCount
      let all = Region(
        computer.arena, offset: partials.0.offset,
        byteCount: partials.1.offset + partials.1.byteCount - partials.0.offset)
      var start = 0
      for parameter in [weights.weight, weights.bias].compactMap(\.self) {
        let target = parameters.gradient(parameter)
        for first in Swift.stride(from: 0, to: target.floatCount, by: Self.reducedNumbers) {
          let count = min(Self.reducedNumbers, target.floatCount - first)
          jobs.append(
            WeightGradientPart(
              arrays: all.floats(at: start + first, count: all.floatCount - start - first),
              stride: stride, target: target.floats(at: first, count: count)))
        }
        start += target.floatCount
      }
    }
    let (parts, instructions) = (jobs, computer.instructions)
    try run(jobs.count) { job, _ throws(EngineError) in
      let part = parts[job]
      unsafe training_reduce(
        instructions, part.arrays.floats, Int64(shardCount), Int64(part.stride),
        Int64(part.target.floatCount), part.target.floats)
    }
  }

  /// Numbers that one job adds up; another count changes no result.
  private static let reducedNumbers = 1 << 16
}

/// Part of a parameter's gradient, and the shards' arrays that it is the sum of.
private struct WeightGradientPart {
  let arrays: Region
  let stride: Int
  let target: Region
}

// SAFETY: each job reads and writes a part of its own.
extension WeightGradientPart: @unchecked Sendable {}
