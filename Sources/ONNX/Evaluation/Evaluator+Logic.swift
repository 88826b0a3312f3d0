import Glibc

/// Operators of comparison and choice, by which exporters compute shapes.
extension Evaluator {
  static let logicOperators: [String: Operator] = [
    "Equal": { call throws(ONNXError) in try compared(call) { $0 == .equal } },
    "Greater": { call throws(ONNXError) in try compared(call) { $0 == .greater } },
    "Less": { call throws(ONNXError) in try compared(call) { $0 == .less } },
    "GreaterOrEqual": { call throws(ONNXError) in
      try compared(call) { $0 == .greater || $0 == .equal }
    },
    "LessOrEqual": { call throws(ONNXError) in
      try compared(call) { $0 == .less || $0 == .equal }
    },
    "And": { call throws(ONNXError) in try truths(call) { $0 & $1 } },
    "Or": { call throws(ONNXError) in try truths(call) { $0 | $1 } },
    "Not": { call throws(ONNXError) in
      let values = try truthValues(call, 0)
      return [DenseTensor(.bool, try call.input(0).shape, values.map { 1 - $0 })]
    },
    "Where": choose,
    "Mod": remainder,
  ]

  /// How one number stands to another; no order has NaN.
  private enum Order {
    case less, equal, greater, none
  }

  private static func compared(
    _ call: NodeCall, _ holds: (Order) -> Bool
  ) throws(ONNXError) -> [DenseTensor] {
    let (first, second) = (try call.input(0), try call.input(1))
    try call.sameType(first, second)
    let (shape, a, b) = try broadcast(call, first, second)
    let orders: [Order]
    switch (first.numbers, second.numbers) {
    case (.floating(let firsts), .floating(let seconds)):
      orders = zip(a, b).map { order(firsts[$0], seconds[$1]) }
    case (.whole(let firsts), .whole(let seconds)) where first.elementType == .uint64:
      orders = zip(a, b).map {
        order(UInt64(bitPattern: firsts[$0]), UInt64(bitPattern: seconds[$1]))
      }
    case (.whole(let firsts), .whole(let seconds)):
      orders = zip(a, b).map { order(firsts[$0], seconds[$1]) }
    default: throw call.fault("one input has integers, the other floating-point numbers")
    }
    return [DenseTensor(.bool, shape, orders.map { Int64(holds($0) ? 1 : 0) })]
  }

  private static func order<Value: Comparable>(_ first: Value, _ second: Value) -> Order {
    first < second ? .less : first > second ? .greater : first == second ? .equal : .none
  }

  private static func truthValues(_ call: NodeCall, _ index: Int) throws(ONNXError) -> [Int64] {
    let input = try call.input(index)
    guard input.elementType == .bool, let values = input.integers else {
      throw call.fault("input \(index) is of type \(input.elementType), not bool")
    }
    try call.allow(input.shape)
    return values.map { $0 == 0 ? 0 : 1 }
  }

  private static func truths(
    _ call: NodeCall, _ combine: (Int64, Int64) -> Int64
  ) throws(ONNXError) -> [DenseTensor] {
    let (firsts, seconds) = (try truthValues(call, 0), try truthValues(call, 1))
    let (shape, a, b) = try broadcast(call, call.input(0), call.input(1))
    return [DenseTensor(.bool, shape, zip(a, b).map { combine(firsts[$0], seconds[$1]) })]
  }

  /// Computes Where: of each place the first tensor's number if the condition holds, else the second's.
  private static func choose(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let conditions = try truthValues(call, 0)
    let (first, second) = (try call.input(1), try call.input(2))
    try call.sameType(first, second)
    let given = try call.input(0).shape
    guard let both = StridedView.broadcast(first.shape, second.shape),
      let shape = StridedView.broadcast(given, both)
    else {
      throw call.fault(
        "shapes \(given), \(first.shape) and \(second.shape) cannot be broadcast to one")
    }
    try call.allow(shape)
    func offsets(_ own: [Int]) -> [Int] { StridedView(own, broadcastTo: shape).offsets }
    let (places, a, b) = (offsets(given), offsets(first.shape), offsets(second.shape))
    switch (first.numbers, second.numbers) {
    case (.floating(let firsts), .floating(let seconds)):
      let values = places.indices.map {
        conditions[places[$0]] != 0 ? firsts[a[$0]] : seconds[b[$0]]
      }
      return [DenseTensor(first.elementType, shape, values)]
    case (.whole(let firsts), .whole(let seconds)):
      let values = places.indices.map {
        conditions[places[$0]] != 0 ? firsts[a[$0]] : seconds[b[$0]]
      }
      return [DenseTensor(first.elementType, shape, values)]
    default: throw call.fault("one input has integers, the other floating-point numbers")
    }
  }

  /// Computes Mod, whose result has the sign of the divisor, or with `fmod` that of the dividend.
  private static func remainder(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let truncates = try call.integer("fmod", default: 0) != 0
    let first = try call.input(0)
    guard truncates || !first.elementType.isFloatingPoint else {
      throw call.fault("floating-point numbers without fmod")
    }
    guard first.elementType != .uint64 else {
      throw call.fault("integers without sign of 64 bits")
    }
    func rest(_ a: Int64, _ b: Int64) throws(ONNXError) -> Int64 {
      guard b != 0 else { throw call.fault("an integer is divided by zero") }
      let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
      return truncates || rest == 0 || (rest < 0) == (b < 0) ? rest : rest + b
    }
    return try elementwise(call, floating: { fmod($0, $1) }, whole: rest)
  }

  /// Returns the shape that both are broadcast to, and the places of each that its elements come from.
  private static func broadcast(
    _ call: NodeCall, _ first: DenseTensor, _ second: DenseTensor
  ) throws(ONNXError) -> ([Int], [Int], [Int]) {
    guard let shape = StridedView.broadcast(first.shape, second.shape) else {
      throw call.fault("shapes \(first.shape) and \(second.shape) cannot be broadcast to one")
    }
    try call.allow(shape)
    return (
      shape, StridedView(first.shape, broadcastTo: shape).offsets,
      StridedView(second.shape, broadcastTo: shape).offsets
    )
  }
}
