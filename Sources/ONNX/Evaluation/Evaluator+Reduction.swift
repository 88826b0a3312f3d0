/// Operators that reduce some dimensions to one number each.
extension Evaluator {
  static let reductionOperators: [String: Operator] = [
    "ReduceSum": { call throws(ONNXError) in try reduced(call, by: .sum) },
    "ReduceMean": { call throws(ONNXError) in try reduced(call, by: .mean) },
    "ReduceProd": { call throws(ONNXError) in try reduced(call, by: .product) },
    "ReduceMax": { call throws(ONNXError) in try reduced(call, by: .maximum) },
    "ReduceMin": { call throws(ONNXError) in try reduced(call, by: .minimum) },
    "ReduceSumSquare": { call throws(ONNXError) in
      try reduced(call, by: .sum, of: { $0 * $0 })
    },
    "ReduceL1": { call throws(ONNXError) in try reduced(call, by: .sum, of: { abs($0) }) },
    "ReduceL2": { call throws(ONNXError) in
      try reduced(call, by: .sum, of: { $0 * $0 }, finish: { $0.squareRoot() })
    },
    "GlobalAveragePool": { call throws(ONNXError) in try pooled(call, by: .mean) },
    "GlobalMaxPool": { call throws(ONNXError) in try pooled(call, by: .maximum) },
  ]

  private enum Reduction {
    case sum, product, mean, maximum, minimum
  }

  /// Reduces a function of floating-point numbers, and takes one of the results.
  private static func reduced(
    _ call: NodeCall, by reduction: Reduction, of term: (Double) -> Double,
    finish: (Double) -> Double = { $0 }
  ) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    // In the type that sums have, so that squares of half precision are not rounded to it.
    let terms = DenseTensor(.double, input.shape, input.doubles.map(term))
    return try reduced(call, terms, by: reduction).map {
      DenseTensor(input.elementType, $0.shape, $0.doubles.map(finish))
    }
  }

  private static func reduced(
    _ call: NodeCall, by reduction: Reduction
  ) throws(ONNXError) -> [DenseTensor] {
    try reduced(call, call.input(0), by: reduction)
  }

  private static func reduced(
    _ call: NodeCall, _ input: DenseTensor, by reduction: Reduction
  ) throws(ONNXError) -> [DenseTensor] {
    // Set 13 made an input of them for sums, set 18 for all.
    let hasInput =
      call.node.operation == "ReduceSum" && call.opset >= 13 || call.node.inputs.count > 1
    let listed = try hasInput ? call.optionalIntegers(1) : call.integerList("axes")
    if hasInput, listed ?? [] == [], try call.integer("noop_with_empty_axes", default: 0) != 0 {
      guard
        ["ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin"]
          .contains(call.node.operation)
      else { throw call.fault("no axes, and noop_with_empty_axes") }
      return [input]
    }
    let isAll = listed == nil || hasInput && listed == []
    let axes = try call.axes(isAll ? Array(0..<input.rank) : listed ?? [], rank: input.rank)
    let keeps = try call.integer("keepdims", default: 1) != 0
    return [try reduce(call, input, axes, keepsDimensions: keeps, by: reduction)]
  }

  /// Reduces all dimensions after the channels.
  private static func pooled(
    _ call: NodeCall, by reduction: Reduction
  ) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    guard input.rank >= 3 else {
      throw call.fault("input 0 has shape \(input.shape), at least three dimensions are needed")
    }
    let axes = Array(2..<input.rank)
    return [try reduce(call, input, axes, keepsDimensions: true, by: reduction)]
  }

  private static func reduce(
    _ call: NodeCall, _ input: DenseTensor, _ axes: [Int], keepsDimensions: Bool,
    by reduction: Reduction
  ) throws(ONNXError) -> DenseTensor {
    let count = axes.reduce(1) { $0 * input.shape[$1] }
    let kept = input.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
    try call.allow(kept)
    try call.budget.spend(input.count)
    guard count > 0 || reduction == .sum || reduction == .product else {
      throw call.fault("there are no elements to reduce")
    }
    let targets = StridedView(kept, broadcastTo: input.shape).offsets
    let resultCount = kept.reduce(1, *)
    let shape =
      keepsDimensions
      ? kept : input.shape.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
    switch input.numbers {
    case .floating(let values):
      let results: [Double]
      switch reduction {
      case .sum:
        results = gathered(values, targets, [Double](repeating: 0, count: resultCount), +)
      case .product:
        results = gathered(values, targets, [Double](repeating: 1, count: resultCount), *)
      case .mean:
        results = gathered(values, targets, [Double](repeating: 0, count: resultCount), +)
          .map { $0 / Double(count) }
      case .maximum:
        // The maximum of anything and NaN is NaN.
        results = gathered(values, targets, [Double](repeating: -.infinity, count: resultCount)) {
          $0.isNaN || $1.isNaN ? .nan : max($0, $1)
        }
      case .minimum:
        results = gathered(values, targets, [Double](repeating: .infinity, count: resultCount)) {
          $0.isNaN || $1.isNaN ? .nan : min($0, $1)
        }
      }
      return DenseTensor(input.elementType, shape, results)
    case .whole(let values):
      guard input.elementType != .bool, input.elementType != .uint64 else {
        throw call.fault("input 0 is of type \(input.elementType), which is not reduced")
      }
      let results: [Int64]
      switch reduction {
      case .sum:
        results = gathered(values, targets, [Int64](repeating: 0, count: resultCount), &+)
      case .product:
        results = gathered(values, targets, [Int64](repeating: 1, count: resultCount), &*)
      case .mean:
        results = gathered(values, targets, [Int64](repeating: 0, count: resultCount), &+)
          .map { $0 / Int64(count) }
      case .maximum:
        results = gathered(values, targets, [Int64](repeating: .min, count: resultCount), max)
      case .minimum:
        results = gathered(values, targets, [Int64](repeating: .max, count: resultCount), min)
      }
      return DenseTensor(input.elementType, shape, results)
    }
  }

  /// Combines each value into the place that `targets` has for it.
  private static func gathered<Value>(
    _ values: [Value], _ targets: [Int], _ start: [Value], _ combine: (Value, Value) -> Value
  ) -> [Value] {
    var results = start
    for (target, value) in zip(targets, values) {
      results[target] = combine(results[target], value)
    }
    return results
  }
}
