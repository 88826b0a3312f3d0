import COneDNN
import Engine

extension TrainingNetwork {
  /// Brings weights into the layouts that the passes of a phase read.
  func copyWeights(_ copies: [TrainingPlan.WeightCopy]) throws(EngineError) {
    guard !copies.isEmpty else { return }
    let computer = computer
    let parts = copies.flatMap(computer.parts)
    try run(parts.count) { job, worker throws(EngineError) in
      try computer.make(parts[job], computer.workers[worker])
    }
  }
}

/// Output channels of a copy that one job makes; nil for the whole copy at once.
private struct CopyPart {
  let copy: TrainingPlan.WeightCopy
  var outputs: Range<Int>?
}

extension ShardComputer {
  /// Divides a copy into parts that threads can make side by side.
  fileprivate func parts(of copy: TrainingPlan.WeightCopy) -> [CopyPart] {
    guard case .winograd(let kernel) = pass(copy), reorder(copy) == nil else {
      return [CopyPart(copy: copy)]
    }
    let (count, step) = (kernel.outputChannels, WinogradKernel.packedChannels)
    return stride(from: 0, to: count, by: step).map {
      CopyPart(copy: copy, outputs: $0..<min($0 + step, count))
    }
  }

  fileprivate func make(_ part: CopyPart, _ worker: Worker) throws(EngineError) {
    let (copy, weights) = (region(part.copy.buffer), weights(part.copy))
    let value = parameters.value(weights.weight)
    let reorder = reorder(part.copy)
    guard case .winograd(let kernel) = pass(part.copy) else {
      try reorder?.run(
        device, worker.stream, [(ONEDNN_SOURCE, value), (ONEDNN_DESTINATION, copy)])
      return
    }
    var filters = value
    if let reorder {
      filters = worker.scratch.floats(at: 0, count: value.floatCount)
      try reorder.run(
        device, worker.stream, [(ONEDNN_SOURCE, value), (ONEDNN_DESTINATION, filters)])
    }
    let count = kernel.outputChannels
    let outputs = part.outputs ?? 0..<count
    unsafe kernel.pack(
      filters.numbers, turned: part.copy.isTurned, outputs: outputs, into: copy.floats)
    guard outputs.lowerBound == 0 else { return }
    // The bias follows the filters.
    let room = copy.floats(at: copy.floatCount - count, count: count)
    if !part.copy.isTurned, let bias = weights.bias {
      room.copy(parameters.value(bias))
    } else {
      room.clear()
    }
  }

  private func weights(_ copy: TrainingPlan.WeightCopy) -> Weights {
    guard let weights = weights[copy.value] else {
      preconditionFailure("a convolution has weights")
    }
    return weights
  }

  private func pass(_ copy: TrainingPlan.WeightCopy) -> ConvolutionPasses.Pass? {
    let passes = weights(copy).passes
    return copy.isTurned ? passes.toSource : passes.forward
  }

  private func reorder(_ copy: TrainingPlan.WeightCopy) -> Primitive? {
    let passes = weights(copy).passes
    return copy.isTurned ? passes.packToSource : passes.packForward
  }
}
