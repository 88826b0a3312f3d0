import Glibc

extension Evaluator {
  typealias WholeFunction = (Int64, Int64) throws(ONNXError) -> Int64

  /// Operators on inputs of one type, broadcast to one shape.
  static let arithmeticOperators: [String: Operator] = [
    "Add": { call throws(ONNXError) in
      try elementwise(call, floating: { $0 + $1 }, whole: { (a, b) throws(ONNXError) in a &+ b })
    },
    "Sub": { call throws(ONNXError) in
      try elementwise(call, floating: { $0 - $1 }, whole: { (a, b) throws(ONNXError) in a &- b })
    },
    "Mul": { call throws(ONNXError) in
      try elementwise(call, floating: { $0 * $1 }, whole: { (a, b) throws(ONNXError) in a &* b })
    },
    "Div": divide,
    "Pow": power,
    "Max": { call throws(ONNXError) in
      // The maximum of anything and NaN is NaN.
      try combineAll(
        call, floating: { $0.isNaN || $1.isNaN ? .nan : max($0, $1) },
        takesFirst: { !$2($0, $1) })
    },
    "Min": { call throws(ONNXError) in
      try combineAll(
        call, floating: { $0.isNaN || $1.isNaN ? .nan : min($0, $1) },
        takesFirst: { $2($0, $1) })
    },
    "Sum": { call throws(ONNXError) in [try sum(call)] },
    "Mean": { call throws(ONNXError) in
      let sum = try sum(call)
      let count = Double(call.inputs.count)
      return [DenseTensor(sum.elementType, sum.shape, sum.doubles.map { $0 / count })]
    },
  ]

  /// Adds all inputs.
  private static func sum(_ call: NodeCall) throws(ONNXError) -> DenseTensor {
    var sum = try call.floatingInput(0)
    for index in call.inputs.indices.dropFirst() {
      sum = try combine(
        call, sum, call.floatingInput(index), floating: { $0 + $1 },
        whole: { (a, b) throws(ONNXError) in a &+ b })
    }
    return sum
  }

  /// Computes Div; the quotient of integers is rounded towards zero.
  private static func divide(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let isUnsigned64 = try call.input(0).elementType == .uint64
    func quotient(_ a: Int64, _ b: Int64) throws(ONNXError) -> Int64 {
      guard b != 0 else { throw call.fault("an integer is divided by zero") }
      if isUnsigned64 { return Int64(bitPattern: UInt64(bitPattern: a) / UInt64(bitPattern: b)) }
      // The one quotient that does not fit wraps around, as in two's complement.
      return a.dividedReportingOverflow(by: b).partialValue
    }
    return try elementwise(call, floating: { $0 / $1 }, whole: quotient)
  }

  /// Combines all inputs one after the other; of integers, `takesFirst` says whether the first of
  /// two is the result, given the order of their type.
  private static func combineAll(
    _ call: NodeCall, floating: (Double, Double) -> Double,
    takesFirst: (Int64, Int64, (Int64, Int64) -> Bool) -> Bool
  ) throws(ONNXError) -> [DenseTensor] {
    var result = try call.input(0)
    let isUnsigned64 = result.elementType == .uint64
    func less(_ a: Int64, _ b: Int64) -> Bool {
      isUnsigned64 ? UInt64(bitPattern: a) < UInt64(bitPattern: b) : a < b
    }
    for index in call.inputs.indices.dropFirst() {
      result = try combine(
        call, result, call.input(index), floating: floating,
        whole: { (a, b) throws(ONNXError) in takesFirst(a, b, less) ? a : b })
    }
    return [result]
  }

  /// Computes Pow, whose exponent may have another type than its base; the result has the base's.
  private static func power(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let (base, exponent) = (try call.input(0), try call.input(1))
    guard base.elementType != .bool, exponent.elementType != .bool else {
      throw call.fault("an input is of type bool")
    }
    let bases = DenseTensor(.double, base.shape, base.doubles)
    let exponents = DenseTensor(.double, exponent.shape, exponent.doubles)
    let result = try combine(
      call, bases, exponents, floating: { pow($0, $1) },
      whole: { (a, _) throws(ONNXError) in a })
    return [result.converted(to: base.elementType)]
  }

  static func elementwise(
    _ call: NodeCall, floating: (Double, Double) -> Double, whole: WholeFunction
  ) throws(ONNXError) -> [DenseTensor] {
    [try combine(call, call.input(0), call.input(1), floating: floating, whole: whole)]
  }

  private static func combine(
    _ call: NodeCall, _ first: DenseTensor, _ second: DenseTensor,
    floating: (Double, Double) -> Double, whole: WholeFunction
  ) throws(ONNXError) -> DenseTensor {
    try call.sameType(first, second)
    guard first.elementType != .bool else { throw call.fault("the inputs are of type bool") }
    guard let shape = StridedView.broadcast(first.shape, second.shape) else {
      throw call.fault("shapes \(first.shape) and \(second.shape) cannot be broadcast to one")
    }
    try call.allow(shape)
    let a = StridedView(first.shape, broadcastTo: shape).offsets
    let b = StridedView(second.shape, broadcastTo: shape).offsets
    switch (first.numbers, second.numbers) {
    case (.floating(let firsts), .floating(let seconds)):
      let values = a.indices.map { floating(firsts[a[$0]], seconds[b[$0]]) }
      return DenseTensor(first.elementType, shape, values)
    case (.whole(let firsts), .whole(let seconds)):
      var values: [Int64] = []
      values.reserveCapacity(a.count)
      for place in a.indices { values.append(try whole(firsts[a[place]], seconds[b[place]])) }
      return DenseTensor(first.elementType, shape, values)
    default: throw call.fault("one input has integers, the other floating-point numbers")
    }
  }
}
