import Glibc

extension Evaluator {
  static let normalizationOperators: [String: Operator] = [
    "BatchNormalization": normalize,
    "InstanceNormalization": { call throws(ONNXError) in
      let input = try call.floatingInput(0)
      guard input.rank >= 3 else { throw call.fault("the input has shape \(input.shape)") }
      return try normalizeGroups(call, input, groups: input.shape[1])
    },
    "GroupNormalization": { call throws(ONNXError) in
      let input = try call.floatingInput(0)
      let groups = try call.integer("num_groups", default: 0)
      guard input.rank >= 3, groups > 0, input.shape[1].isMultiple(of: groups) else {
        throw call.fault("\(groups) groups of an input of shape \(input.shape)")
      }
      return try normalizeGroups(call, input, groups: groups)
    },
    "LayerNormalization": normalizeLayers,
    "LpNormalization": divideByNorm,
    "LRN": divideByNeighbours,
  ]

  /// Divides the numbers of one dimension by their norm; zeros stay zeros.
  private static func divideByNorm(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    let axis = try call.axis(call.integer("axis", default: -1), rank: input.rank)
    let power = try call.integer("p", default: 2)
    guard 1...2 ~= power else { throw call.fault("p is \(power), not 1 or 2") }
    try call.allow(input.shape)
    let kept = input.shape.enumerated().map { $0.offset == axis ? 1 : $0.element }
    let targets = StridedView(kept, broadcastTo: input.shape).offsets
    let numbers = input.doubles
    var norms = [Double](repeating: 0, count: kept.reduce(1, *))
    for (target, number) in zip(targets, numbers) {
      norms[target] += power == 1 ? abs(number) : number * number
    }
    if power == 2 { norms = norms.map { $0.squareRoot() } }
    let results = zip(targets, numbers).map { norms[$0] == 0 ? 0 : $1 / norms[$0] }
    return [DenseTensor(input.elementType, input.shape, results)]
  }

  /// Normalises groups of channels, each by its own statistics; scale and shift have a number for
  /// each channel or each group.
  private static func normalizeGroups(
    _ call: NodeCall, _ input: DenseTensor, groups: Int
  ) throws(ONNXError) -> [DenseTensor] {
    let channels = input.shape[1]
    let (scale, shift) = (try call.floatingInput(1), try call.floatingInput(2))
    guard scale.shape == shift.shape, scale.shape == [channels] || scale.shape == [groups] else {
      throw call.fault("inputs 1 and 2 have shapes \(scale.shape) and \(shift.shape)")
    }
    try call.allow(input.shape)
    let epsilon = try call.number("epsilon", default: 1e-5)
    let inner = input.shape[2...].reduce(1, *)
    let numbers = input.doubles
    guard !numbers.isEmpty else { return [input] }
    let length = channels / groups * inner
    var values = normalizeRows(numbers, length: length, epsilon: epsilon).values
    let (scales, shifts) = (scale.doubles, shift.doubles)
    let run = channels / scales.count * inner
    for place in values.indices {
      let index = place / run % scales.count
      values[place] = values[place] * scales[index] + shifts[index]
    }
    return [DenseTensor(input.elementType, input.shape, values)]
  }

  /// Normalises the dimensions from `axis` on; the other outputs are mean and reciprocal deviation.
  private static func normalizeLayers(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    let axis = try call.axis(call.integer("axis", default: -1), rank: input.rank)
    let own = Array(input.shape[axis...])
    let scale = try call.floatingInput(1)
    let shift = call.optional(2)
    for parameter in [scale, shift].compactMap(\.self) {
      guard StridedView.broadcast(parameter.shape, own) == own else {
        throw call.fault("a parameter of shape \(parameter.shape) for \(own)")
      }
    }
    try call.allow(input.shape)
    let epsilon = try call.number("epsilon", default: 1e-5)
    let length = own.reduce(1, *)
    let reduced = Array(input.shape[..<axis]) + own.map { _ in 1 }
    let numbers = input.doubles
    guard !numbers.isEmpty else { throw call.fault("an empty input has no statistics") }
    var (values, means, deviations) = normalizeRows(numbers, length: length, epsilon: epsilon)
    let scales = StridedView(scale.shape, broadcastTo: own).offsets
    let factors = scale.doubles
    for place in values.indices { values[place] *= factors[scales[place % length]] }
    if let shift {
      let shifts = StridedView(shift.shape, broadcastTo: own).offsets
      let terms = shift.doubles
      for place in values.indices { values[place] += terms[shifts[place % length]] }
    }
    return [
      DenseTensor(input.elementType, input.shape, values), DenseTensor(.float, reduced, means),
      DenseTensor(.float, reduced, deviations.map { 1 / $0 }),
    ]
  }

  /// Normalises rows of a length, each by its own mean and variance (over N).
  private static func normalizeRows(
    _ numbers: [Double], length: Int, epsilon: Double
  ) -> (values: [Double], means: [Double], deviations: [Double]) {
    var values = numbers
    var means: [Double] = []
    var deviations: [Double] = []
    for start in stride(from: 0, to: numbers.count, by: length) {
      let row = numbers[start..<start + length]
      let mean = row.reduce(0, +) / Double(length)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(length)
      let deviation = (variance + epsilon).squareRoot()
      for place in start..<start + length { values[place] = (numbers[place] - mean) / deviation }
      means.append(mean)
      deviations.append(deviation)
    }
    return (values, means, deviations)
  }

  /// Divides by a power of the mean square of the channels around each.
  private static func divideByNeighbours(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    let size = try call.integer("size", default: 0)
    guard input.rank >= 2, 1...ONNXLimits.attributeLimit ~= size else {
      throw call.fault("size \(size) for an input of shape \(input.shape)")
    }
    let alpha = try call.number("alpha", default: 1e-4)
    let beta = try call.number("beta", default: 0.75)
    let bias = try call.number("bias", default: 1)
    let channels = input.shape[1]
    let inner = input.shape[2...].reduce(1, *)
    try call.allow(input.shape)
    try call.budget.spend(input.count, min(size, channels))
    let numbers = input.doubles
    var values = numbers
    for place in numbers.indices {
      let channel = place / inner % channels
      let first = place - channel * inner
      var sum = 0.0
      for other in max(0, channel - (size - 1) / 2)...min(channels - 1, channel + size / 2) {
        sum += numbers[first + other * inner] * numbers[first + other * inner]
      }
      values[place] = numbers[place] / pow(bias + alpha / Double(size) * sum, beta)
    }
    return [DenseTensor(input.elementType, input.shape, values)]
  }

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
    // Before set 14 the further outputs said so.
    let trains =
      call.opset >= 14
      ? try call.integer("training_mode", default: 0) != 0 : call.node.outputs.count > 1
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
    let all = [
      output, running(parameters[2], mean, like: try call.input(3)),
      running(parameters[3], variance, like: try call.input(4)),
    ]
    guard call.opset < 14 else { return all }
    return all + [
      DenseTensor(input.elementType, [channels], mean),
      DenseTensor(input.elementType, [channels], variance),
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
