extension Evaluator {
  static let normalizationOperators: [String: Operator] = ["BatchNormalization": normalize]

  /// Computes BatchNormalization of input `[N, C, …]`; scale, shift, mean and variance are `[C]`.
  /// `training_mode` (operator set 14) uses the batch's own statistics, and outputs the updated
  /// running ones as well.
  private static func normalize(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    guard input.rank >= 1, try call.integer("spatial", default: 1) == 1 else {
      throw call.fault("the input has shape \(input.shape), or spatial is not 1")
    }
    let channels = input.rank == 1 ? 1 : input.shape[1]
    var parameters: [[Double]] = []
    for index in 1...4 {
      let parameter = try call.floatingInput(index)
      guard parameter.shape == [channels] else {
        throw call.fault("input \(index) has shape \(parameter.shape), not [\(channels)]")
      }
      parameters.append(parameter.doubles)
    }
    try call.allow(input.shape)
    let epsilon = try call.number("epsilon", default: 1e-5)
    let momentum = try call.number("momentum", default: 0.9)
    let trains = call.opset >= 14 ? try call.integer("training_mode", default: 0) != 0 : false
    let inner = input.rank > 2 ? input.shape[2...].reduce(1, *) : 1
    var mean = parameters[2]
    var variance = parameters[3]
    let numbers = input.doubles
    if trains {
      guard !numbers.isEmpty else { throw call.fault("an empty input has no statistics") }
      (mean, variance) = statistics(numbers, channels: channels, inner: inner)
    }
    var values: [Double] = []
    values.reserveCapacity(numbers.count)
    for (place, number) in numbers.enumerated() {
      let channel = place / inner % channels
      let scale = parameters[0][channel] / (variance[channel] + epsilon).squareRoot()
      values.append((number - mean[channel]) * scale + parameters[1][channel])
    }
    let output = DenseTensor(input.elementType, input.shape, values)
    guard trains else { return [output] }
    func running(_ old: [Double], _ new: [Double], like parameter: DenseTensor) -> DenseTensor {
      let mixed = zip(old, new).map { $0 * momentum + $1 * (1 - momentum) }
      return DenseTensor(parameter.elementType, [channels], mixed)
    }
    return [
      output, running(parameters[2], mean, like: try call.input(3)),
      running(parameters[3], variance, like: try call.input(4)),
    ]
  }

  /// Returns mean and variance (over N, not N - 1) of each channel.
  private static func statistics(
    _ numbers: [Double], channels: Int, inner: Int
  ) -> (mean: [Double], variance: [Double]) {
    let count = Double(numbers.count / channels)
    var mean = [Double](repeating: 0, count: channels)
    for (place, number) in numbers.enumerated() {
      mean[place / inner % channels] += number / count
    }
    var variance = [Double](repeating: 0, count: channels)
    for (place, number) in numbers.enumerated() {
      let channel = place / inner % channels
      variance[channel] += (number - mean[channel]) * (number - mean[channel]) / count
    }
    return (mean, variance)
  }
}
