extension Evaluator {
  static let convolutionOperators: [String: Operator] = ["Conv": convolve]

  /// Computes Conv of input `[N, C, …]`, weights `[K, C / groups, …]`, bias `[K]`.
  private static func convolve(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    let weights = try call.floatingInput(1)
    try call.sameType(input, weights)
    let groups = try call.integer("group", default: 1)
    guard input.rank >= 3, weights.rank == input.rank, 1...max(1, weights.shape[0]) ~= groups,
      weights.shape[0].isMultiple(of: groups),
      input.shape[1].isMultiple(of: groups), input.shape[1] / groups == weights.shape[1]
    else {
      throw call.fault(
        "input \(input.shape), weights \(weights.shape) and \(groups) groups do not fit together")
    }
    let kernel = Array(weights.shape[2...])
    if let declared = try call.integerList("kernel_shape"), declared != kernel {
      throw call.fault("kernel_shape \(declared) does not match the weights \(weights.shape)")
    }
    let outputs = weights.shape[0]
    let bias = call.optional(2)
    if let bias {
      try call.sameType(input, bias)
      guard bias.shape == [outputs] else {
        throw call.fault("the bias has shape \(bias.shape), not [\(outputs)]")
      }
    }
    let window = try Window(call, over: input.shape, kernel: kernel)
    let shape = try call.allow([input.shape[0], outputs] + window.output)
    try call.allow(kernel + window.output)
    try call.budget.spend(
      shape[0], outputs, window.outputCount, weights.shape[1], window.kernelCount)
    let values = sums(
      input.doubles, weights.doubles, bias?.doubles, window, batch: shape[0], groups: groups,
      inputs: weights.shape[1], outputs: outputs / groups)
    return [DenseTensor(input.elementType, shape, values)]
  }

  /// - Parameters:
  ///   - inputs: Channels of one group.
  ///   - outputs: Channels of one group.
  private static func sums(
    _ input: [Double], _ weights: [Double], _ bias: [Double]?, _ window: Window, batch: Int,
    groups: Int, inputs: Int, outputs: Int
  ) -> [Double] {
    let plane = window.input.reduce(1, *)
    let places = window.outputCount
    let taps = window.kernelCount
    let table = window.table
    var result = [Double](repeating: 0, count: batch * groups * outputs * places)
    if let bias {
      for image in 0..<batch {
        for channel in 0..<groups * outputs {
          let start = (image * groups * outputs + channel) * places
          for place in start..<start + places { result[place] = bias[channel] }
        }
      }
    }
    var row = [Double](repeating: 0, count: places)
    for part in 0..<batch * groups {
      for channel in 0..<inputs {
        let base = (part * inputs + channel) * plane
        for tap in 0..<taps {
          for (place, source) in table[tap].enumerated() {
            row[place] = source < 0 ? 0 : input[base + source]
          }
          for output in 0..<outputs {
            let filter = part % groups * outputs + output
            let weight = weights[(filter * inputs + channel) * taps + tap]
            let start = (part * outputs + output) * places
            for place in 0..<places { result[start + place] += weight * row[place] }
          }
        }
      }
    }
    return result
  }
}
