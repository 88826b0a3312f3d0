extension Evaluator {
  /// Operators that change or return a shape and leave the numbers alone, and Cast, which leaves
  /// the shape alone.
  static let shapeOperators: [String: Operator] = [
    "Identity": { call throws(ONNXError) in [try call.input(0)] },
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Shape": shape,
    "Size": { call throws(ONNXError) in [DenseTensor(.int64, [], [Int64(try call.input(0).count)])]
    },
    "Cast": cast,
    "CastLike": { call throws(ONNXError) in
      let input = try call.input(0)
      try call.allow(input.shape)
      return [input.converted(to: try call.input(1).elementType)]
    },
    "Dropout": dropout,
  ]

  private static func flatten(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let axis = try call.axis(
      call.integer("axis", default: 1), rank: input.rank, pastTheEnd: true)
    let shape = [input.shape[..<axis].reduce(1, *), input.shape[axis...].reduce(1, *)]
    return [DenseTensor(input, shape: shape)]
  }

  /// Computes Reshape: 0 keeps a dimension, unless `allowzero` says otherwise; -1 takes the rest.
  private static func reshape(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let wanted = try call.integers(1)
    let zeroIsZero = try call.integer("allowzero", default: 0) != 0
    guard wanted.count <= ONNXLimits.rankLimit else {
      throw call.fault("a result may not have \(wanted.count) dimensions")
    }
    var shape: [Int] = []
    var open: Int?
    for (axis, size) in wanted.enumerated() {
      switch size {
      case -1:
        guard open == nil else { throw call.fault("the shape \(wanted) leaves two sizes open") }
        open = axis
        shape.append(1)
      case 0 where !zeroIsZero:
        guard axis < input.rank else {
          throw call.fault(
            "the shape \(wanted) keeps a dimension that \(input.shape) does not have")
        }
        shape.append(input.shape[axis])
      default: shape.append(size)
      }
    }
    let limit = call.budget.limits.elementCountLimit
    guard let count = ONNXTensor.elementCount(shape, limit: limit) else {
      throw call.fault("the shape \(wanted) does not fit \(input.count) elements")
    }
    if let open {
      guard count > 0, input.count.isMultiple(of: count) else {
        throw call.fault("the shape \(wanted) does not fit \(input.count) elements")
      }
      shape[open] = input.count / count
    }
    guard ONNXTensor.elementCount(shape, limit: limit) == input.count else {
      throw call.fault("the shape \(wanted) does not fit \(input.count) elements")
    }
    return [DenseTensor(input, shape: shape)]
  }

  /// Reads the axes: an attribute before operator set 13, an input since.
  private static func listedAxes(_ call: NodeCall) throws(ONNXError) -> [Int]? {
    try call.opset < 13 ? call.integerList("axes") : call.optionalIntegers(1)
  }

  private static func squeeze(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    var dropped = input.shape.indices.filter { input.shape[$0] == 1 }
    if let listed = try listedAxes(call) {
      dropped = try call.axes(listed, rank: input.rank)
      guard dropped.allSatisfy({ input.shape[$0] == 1 }) else {
        throw call.fault("axes \(listed) of shape \(input.shape) are not all 1")
      }
    }
    let shape = input.shape.indices.filter { !dropped.contains($0) }.map { input.shape[$0] }
    return [DenseTensor(input, shape: shape)]
  }

  private static func unsqueeze(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    guard let listed = try listedAxes(call) else { throw call.fault("axes are missing") }
    let rank = input.rank + listed.count
    let added = try call.axes(listed, rank: rank)
    var rest = input.shape[...]
    let shape = (0..<rank).map { added.contains($0) ? 1 : rest.removeFirst() }
    return [DenseTensor(input, shape: shape)]
  }

  /// Computes Shape. `start` and `end` exist since operator set 15, and are clamped to the rank.
  private static func shape(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    func bound(_ name: String, _ fallback: Int) throws(ONNXError) -> Int {
      let value = try call.integer(name, default: fallback)
      return max(0, min(input.rank, value < 0 ? value + input.rank : value))
    }
    let start = try bound("start", 0)
    let end = try bound("end", input.rank)
    let sizes = start < end ? input.shape[start..<end].map(Int64.init) : []
    return [DenseTensor(.int64, [sizes.count], sizes)]
  }

  /// Computes Dropout: nothing is dropped when a network is used, and the mask keeps everything.
  private static func dropout(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let trains = call.opset >= 12 ? try call.scalar(2) ?? 0 : 0
    let ratio = try call.scalar(1) ?? 0.5
    guard trains == 0 || ratio == 0 else { throw call.fault("training_mode is not supported") }
    try call.allow(input.shape)
    if call.opset < 10, input.elementType.isFloatingPoint {
      let kept = [Double](repeating: 1, count: input.count)
      return [input, DenseTensor(input.elementType, input.shape, kept)]
    }
    return [input, DenseTensor(.bool, input.shape, [Int64](repeating: 1, count: input.count))]
  }

  /// Computes Cast. Floating-point numbers are truncated to integers and clamped to their range.
  private static func cast(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let number = try call.integer("to", default: 0)
    guard let type = Int32(exactly: number).flatMap(ONNXElementType.init), type != .string else {
      throw call.fault("a cast to element type \(number) is not supported")
    }
    try call.allow(input.shape)
    return [input.converted(to: type)]
  }
}

extension DenseTensor {
  func converted(to type: ONNXElementType) -> DenseTensor {
    if type.isFloatingPoint { return DenseTensor(type, shape, doubles) }
    switch numbers {
    case .whole(let values): return DenseTensor(type, shape, values)
    case .floating(let values):
      return DenseTensor(type, shape, values.map { Self.whole($0, type) })
    }
  }

  private static func whole(_ value: Double, _ type: ONNXElementType) -> Int64 {
    if type == .bool { return value == 0 ? 0 : 1 }
    guard !value.isNaN else { return 0 }
    switch type {
    case .uint64:
      return Int64(bitPattern: UInt64(clampingTruncated: value))
    case .int64: return Int64(clampingTruncated: value)
    case .uint32: return Int64(UInt32(clampingTruncated: value))
    case .int32: return Int64(Int32(clampingTruncated: value))
    case .uint16: return Int64(UInt16(clampingTruncated: value))
    case .int16: return Int64(Int16(clampingTruncated: value))
    case .uint8: return Int64(UInt8(clampingTruncated: value))
    default: return Int64(Int8(clampingTruncated: value))
    }
  }
}

extension FixedWidthInteger {
  /// Truncates towards zero and clamps to the type's range; `value` must not be NaN.
  init(clampingTruncated value: Double) {
    if value <= Double(Self.min) {
      self = .min
    } else if value >= Double(Self.max) {
      // For 64 bits this is one more than the largest, so that no value traps.
      self = .max
    } else {
      self = Self(value)
    }
  }
}
