import Glibc

extension Evaluator {
  /// Operators on one element each, and the softmax along an axis.
  static let activationOperators: [String: Operator] = [
    "Relu": { call throws(ONNXError) in
      let input = try call.input(0)
      try call.allow(input.shape)
      switch input.numbers {
      // Written so that NaN remains.
      case .floating(let values):
        return [DenseTensor(input.elementType, input.shape, values.map { $0 < 0 ? 0 : $0 })]
      case .whole(let values):
        guard input.elementType.isSigned else {
          throw call.fault("input 0 is of the unsigned type \(input.elementType)")
        }
        return [DenseTensor(input.elementType, input.shape, values.map { max($0, 0) })]
      }
    },
    "Sigmoid": { call throws(ONNXError) in try floating(call) { 1 / (1 + exp(-$0)) } },
    "HardSigmoid": { call throws(ONNXError) in
      let alpha = try call.number("alpha", default: 0.2)
      let beta = try call.number("beta", default: 0.5)
      return try floating(call) { value in
        value.isNaN ? value : max(0, min(1, alpha * value + beta))
      }
    },
    "HardSwish": { call throws(ONNXError) in
      try floating(call) { value in value * max(0, min(1, value / 6 + 0.5)) }
    },
    "Clip": clip,
    "PRelu": { call throws(ONNXError) in
      try elementwise(
        call, floating: { $0 < 0 ? $0 * $1 : $0 },
        whole: { (a, b) throws(ONNXError) in a < 0 ? a &* b : a })
    },
    "Softmax": { call throws(ONNXError) in
      try softmax(call) { row in
        let exponentials = row.map { exp($0) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
      }
    },
    "LogSoftmax": { call throws(ONNXError) in
      try softmax(call) { row in
        let logarithm = log(row.reduce(0) { $0 + exp($1) })
        return row.map { $0 - logarithm }
      }
    },
  ]

  /// Computes Clip; its bounds are attributes before operator set 11, inputs since.
  private static func clip(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    try call.allow(input.shape)
    if case .whole(let values) = input.numbers {
      let isUnsigned64 = input.elementType == .uint64
      func less(_ a: Int64, _ b: Int64) -> Bool {
        isUnsigned64 ? UInt64(bitPattern: a) < UInt64(bitPattern: b) : a < b
      }
      let lower = try bound(1, call, input)?.integers?.first
      let upper = try bound(2, call, input)?.integers?.first
      let clipped = values.map { value in
        var value = value
        if let lower, less(value, lower) { value = lower }
        if let upper, less(upper, value) { value = upper }
        return value
      }
      return [DenseTensor(input.elementType, input.shape, clipped)]
    }
    let lower: Double
    let upper: Double
    if call.opset < 11 {
      lower = try call.number("min", default: -.greatestFiniteMagnitude)
      upper = try call.number("max", default: .greatestFiniteMagnitude)
    } else {
      lower = try bound(1, call, input)?.doubles.first ?? -.infinity
      upper = try bound(2, call, input)?.doubles.first ?? .infinity
    }
    let clipped = input.doubles.map { value in
      var value = value
      if value < lower { value = lower }
      if value > upper { value = upper }
      return value
    }
    return [DenseTensor(input.elementType, input.shape, clipped)]
  }

  private static func bound(
    _ index: Int, _ call: NodeCall, _ input: DenseTensor
  ) throws(ONNXError) -> DenseTensor? {
    guard let bound = call.optional(index) else { return nil }
    try call.sameType(input, bound)
    guard bound.count == 1 else {
      throw call.fault("input \(index) has \(bound.count) elements, not one")
    }
    return bound
  }

  /// Computes a softmax: since operator set 13 along one axis, before over that axis and all after
  /// it as one row.
  ///
  /// - Parameter body: Receives rows from which their largest number was subtracted.
  private static func softmax(
    _ call: NodeCall, _ body: ([Double]) -> [Double]
  ) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    try call.allow(input.shape)
    let flattens = call.opset < 13
    let given = try call.integer("axis", default: flattens ? 1 : -1)
    let axis = try call.axis(given, rank: input.rank, pastTheEnd: flattens)
    let count: Int
    let inner: Int
    if flattens {
      count = input.shape[axis...].reduce(1, *)
      inner = 1
    } else {
      count = input.shape[axis]
      inner = input.shape[(axis + 1)...].reduce(1, *)
    }
    var values = input.doubles
    guard !values.isEmpty else { return [input] }
    for outer in 0..<values.count / (count * inner) {
      for column in 0..<inner {
        let places = (0..<count).map { (outer * count + $0) * inner + column }
        let largest = places.reduce(-Double.infinity) { max($0, values[$1]) }
        for (place, value) in zip(places, body(places.map { values[$0] - largest })) {
          values[place] = value
        }
      }
    }
    return [DenseTensor(input.elementType, input.shape, values)]
  }
}
