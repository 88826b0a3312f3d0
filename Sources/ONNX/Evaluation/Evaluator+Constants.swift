extension Evaluator {
  static let constantOperators: [String: Operator] = [
    "Constant": constant, "ConstantOfShape": constantOfShape,
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
}
