extension Evaluator {
  static let quantizationOperators: [String: Operator] = [
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize,
  ]

  /// Computes saturate(round(x / scale) + zero point), ties to even.
  private static func quantize(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let type = call.optional(2)?.elementType ?? .uint8
    guard type == .uint8 || type == .int8 else {
      throw call.fault("the zero point is of type \(type), not uint8 or int8")
    }
    let (scales, zeros, offsets) = try parameters(call, input)
    let range = type == .uint8 ? 0.0...255 : -128...127
    var values: [Int64] = []
    values.reserveCapacity(input.count)
    for (place, value) in input.doubles.enumerated() {
      let scaled = (value / scales[offsets[place]]).rounded(.toNearestOrEven)
      let shifted = scaled.isNaN ? 0 : scaled + zeros[offsets[place]]
      values.append(Int64(max(range.lowerBound, min(range.upperBound, shifted))))
    }
    return [DenseTensor(type, input.shape, values)]
  }

  /// Computes (x - zero point) * scale.
  private static func dequantize(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    guard !input.elementType.isFloatingPoint, input.elementType.byteCount <= 4 else {
      throw call.fault("input 0 is of type \(input.elementType), not an integer of at most 32 bits")
    }
    if let zero = call.optional(2) { try call.sameType(input, zero) }
    let (scales, zeros, offsets) = try parameters(call, input)
    let values = input.doubles.enumerated().map { place, value in
      (value - zeros[offsets[place]]) * scales[offsets[place]]
    }
    return [DenseTensor(try call.input(1).elementType, input.shape, values)]
  }

  /// Returns scales and zero points, one for all or one for each index of the axis, and the one
  /// that each element uses.
  private static func parameters(
    _ call: NodeCall, _ input: DenseTensor
  ) throws(ONNXError) -> (scales: [Double], zeros: [Double], offsets: [Int]) {
    let scale = try call.floatingInput(1)
    try call.allow(input.shape)
    var offsets = [Int](repeating: 0, count: input.count)
    if scale.count != 1 {
      let axis = try call.axis(call.integer("axis", default: 1), rank: input.rank)
      guard scale.shape == [input.shape[axis]], call.opset >= 13 else {
        throw call.fault("scales of shape \(scale.shape) do not fit the input \(input.shape)")
      }
      let inner = input.shape[(axis + 1)...].reduce(1, *)
      offsets = offsets.indices.map { $0 / inner % scale.count }
    }
    let zeros = call.optional(2)?.doubles ?? [Double](repeating: 0, count: scale.count)
    guard zeros.count == scale.count else {
      throw call.fault("there are \(scale.count) scales, but \(zeros.count) zero points")
    }
    return (scale.doubles, zeros, offsets)
  }
}
