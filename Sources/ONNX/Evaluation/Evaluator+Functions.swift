import Glibc

/// Functions of each number by itself, other than the bounded ones.
extension Evaluator {
  static let functionOperators: [String: Operator] = [
    "Abs": { call throws(ONNXError) in
      try signed(call, floating: abs, whole: { $0 == .min ? .min : abs($0) })
    },
    "Neg": { call throws(ONNXError) in try signed(call, floating: { -$0 }, whole: { 0 &- $0 }) },
    "Ceil": { call throws(ONNXError) in try floating(call) { $0.rounded(.up) } },
    "Floor": { call throws(ONNXError) in try floating(call) { $0.rounded(.down) } },
    "Erf": { call throws(ONNXError) in try floating(call) { erf($0) } },
    "Exp": { call throws(ONNXError) in try floating(call) { exp($0) } },
    "Log": { call throws(ONNXError) in try floating(call) { log($0) } },
    "Reciprocal": { call throws(ONNXError) in try floating(call) { 1 / $0 } },
    "Softplus": { call throws(ONNXError) in try floating(call, softplus) },
    "Sqrt": { call throws(ONNXError) in try floating(call) { $0.squareRoot() } },
    "Tanh": { call throws(ONNXError) in try floating(call) { tanh($0) } },
    "Elu": { call throws(ONNXError) in
      let alpha = try call.number("alpha", default: 1)
      return try floating(call) { $0 < 0 ? alpha * expm1($0) : $0 }
    },
    "Celu": { call throws(ONNXError) in
      let alpha = try call.number("alpha", default: 1)
      guard alpha != 0 else { throw call.fault("alpha is 0, by which nothing can be divided") }
      return try floating(call) { max(0, $0) + min(0, alpha * expm1($0 / alpha)) }
    },
    "Gelu": { call throws(ONNXError) in
      switch try call.string("approximate", default: "none") {
      case "none": return try floating(call) { $0 / 2 * (1 + erf($0 / 2.0.squareRoot())) }
      case "tanh":
        return try floating(call) { value in
          let argument = (2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)
          return value / 2 * (1 + tanh(argument))
        }
      case let form: throw call.fault("approximate is \"\(form)\"")
      }
    },
    "LeakyRelu": { call throws(ONNXError) in
      let alpha = try call.number("alpha", default: 0.01)
      return try floating(call) { $0 < 0 ? alpha * $0 : $0 }
    },
    "Swish": { call throws(ONNXError) in
      let alpha = try call.number("alpha", default: 1)
      return try floating(call) { $0 / (1 + exp(-alpha * $0)) }
    },
    "Mish": { call throws(ONNXError) in try floating(call) { $0 * tanh(softplus($0)) } },
    "Selu": { call throws(ONNXError) in
      let alpha = try call.number("alpha", default: 1.67326319)
      let gamma = try call.number("gamma", default: 1.05070102)
      return try floating(call) { gamma * ($0 < 0 ? alpha * expm1($0) : $0) }
    },
  ]

  static func floating(
    _ call: NodeCall, _ function: (Double) -> Double
  ) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    try call.allow(input.shape)
    return [DenseTensor(input.elementType, input.shape, input.doubles.map(function))]
  }

  private static func signed(
    _ call: NodeCall, floating: (Double) -> Double, whole: (Int64) -> Int64
  ) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    try call.allow(input.shape)
    switch input.numbers {
    case .floating(let values):
      return [DenseTensor(input.elementType, input.shape, values.map(floating))]
    case .whole(let values):
      guard input.elementType != .bool else { throw call.fault("input 0 is of type bool") }
      let isSigned = input.elementType.isSigned || call.node.operation == "Neg"
      return [DenseTensor(input.elementType, input.shape, isSigned ? values.map(whole) : values)]
    }
  }

  /// Computes `log(1 + exp(x))` without overflow.
  private static func softplus(_ value: Double) -> Double {
    value > 0 ? value + log1p(exp(-value)) : log1p(exp(value))
  }
}
