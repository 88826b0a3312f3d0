extension Evaluator {
  static let constantOperators: [String: Operator] = [
    "Constant": constant, "ConstantOfShape": constantOfShape, "Range": range,
  ]

  private static func tensor(_ tensor: ONNXTensor, _ call: NodeCall) throws(ONNXError)
    -> DenseTensor
  {
    try DenseTensor(tensor, limits: call.budget.limits) { (_) throws(ONNXError) in
      throw call.fault("the constant lies outside the file")
    }
  }

  private static func constant(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    guard let (name, attribute) = call.node.attributes.first, call.node.attributes.count == 1 else {
      throw call.fault("it has \(call.node.attributes.count) attributes, not one")
    }
    switch (name, attribute) {
    case ("value", .tensor(let value)): return [try tensor(value, call)]
    case ("value_float", .number(let value)): return [DenseTensor(.float, [], [Double(value)])]
    case ("value_floats", .numbers(let values)):
      return [DenseTensor(.float, [values.count], values.map(Double.init))]
    case ("value_int", .integer(let value)): return [DenseTensor(.int64, [], [value])]
    case ("value_ints", .integers(let values)):
      return [DenseTensor(.int64, [values.count], values)]
    default: throw call.fault("attribute \(name) is not supported")
    }
  }

  private static func constantOfShape(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let shape = try call.allow(try call.integers(0))
    var value = DenseTensor(.float, [1], [0.0])
    if let attribute = call.node.attributes["value"] {
      guard case .tensor(let given) = attribute else {
        throw call.fault("attribute value is not a tensor")
      }
      value = try tensor(given, call)
    }
    guard value.count == 1 else {
      throw call.fault("attribute value has \(value.count) elements, not one")
    }
    return [DenseTensor(repeating: value, shape: shape)]
  }

  /// Returns the numbers from a start on, in steps, before a limit.
  private static func range(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let (start, limit, step) = (try call.input(0), try call.input(1), try call.input(2))
    try call.sameType(start, limit)
    try call.sameType(start, step)
    guard start.count == 1, limit.count == 1, step.count == 1 else {
      throw call.fault("start, limit and delta are not one number each")
    }
    let type = start.elementType
    if let first = start.integers, let last = limit.integers, let delta = step.integers {
      guard delta[0] != 0 else { throw call.fault("delta is 0") }
      let (difference, overflows) = last[0].subtractingReportingOverflow(first[0])
      guard !overflows else { throw call.fault("from \(first[0]) to \(last[0])") }
      let isEmpty = difference == 0 || (difference < 0) != (delta[0] < 0)
      let steps = isEmpty ? 0 : (difference.magnitude - 1) / delta[0].magnitude + 1
      guard let count = Int64(exactly: steps) else {
        throw call.fault("from \(first[0]) to \(last[0])")
      }
      try call.allow([Int(count)])
      return [DenseTensor(type, [Int(count)], (0..<count).map { first[0] + $0 * delta[0] })]
    }
    let (first, delta) = (start.doubles[0], step.doubles[0])
    let steps = ((limit.doubles[0] - first) / delta).rounded(.up)
    guard let count = Int(exactly: max(steps, 0)) else {
      throw call.fault("from \(first) to \(limit.doubles[0]) by \(delta)")
    }
    try call.allow([count])
    return [DenseTensor(type, [count], (0..<count).map { first + Double($0) * delta })]
  }
}
