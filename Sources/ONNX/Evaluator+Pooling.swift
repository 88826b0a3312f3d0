extension Evaluator {
  static let poolingOperators: [String: Operator] = [
    "MaxPool": maximum,
    "AveragePool": average,
    "GlobalAveragePool": { call throws(ONNXError) in
      let input = try call.floatingInput(0)
      guard input.rank >= 3 else { throw call.fault("an input of shape \(input.shape)") }
      return [try mean(call, input, axes: Array(2..<input.rank), keepsDimensions: true)]
    },
    "ReduceMean": { call throws(ONNXError) in
      let input = try call.input(0)
      let axes = try call.axes(
        try call.integerList("axes") ?? Array(0..<input.rank), rank: input.rank)
      return [
        try mean(
          call, input, axes: axes, keepsDimensions: call.integer("keepdims", default: 1) != 0)
      ]
    },
  ]

  private static func window(_ call: NodeCall, _ input: DenseTensor) throws(ONNXError) -> Window {
    guard input.rank >= 3, let kernel = try call.integerList("kernel_shape") else {
      throw call.fault("an input of shape \(input.shape), or no kernel_shape")
    }
    let window = try Window(call, over: input.shape, kernel: kernel)
    try call.allow(Array(input.shape[..<2]) + window.output)
    try call.allow(kernel + window.output)
    try call.budget.spend(input.shape[0], input.shape[1], window.outputCount, window.kernelCount)
    return window
  }

  /// The second output is the place of each maximum in the whole input.
  private static func maximum(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let window = try window(call, input)
    let shape = Array(input.shape[..<2]) + window.output
    let isColumnMajor = try call.integer("storage_order", default: 0) != 0
    let numbers = input.doubles
    let plane = window.input.reduce(1, *)
    let places = window.outputCount
    let table = window.table
    // 64-bit integers would not survive as Double; ONNX does not pool them.
    guard input.elementType.isFloatingPoint || input.elementType.byteCount == 1,
      input.elementType != .bool
    else { throw call.fault("an input of type \(input.elementType)") }
    var values = [Double](repeating: 0, count: input.shape[0] * input.shape[1] * places)
    var indices = [Int64](repeating: 0, count: values.count)
    for channel in 0..<input.shape[0] * input.shape[1] {
      for place in 0..<places {
        var best: Int?
        for tap in table.indices where table[tap][place] >= 0 {
          let candidate = table[tap][place]
          if let current = best,
            numbers[channel * plane + current] >= numbers[channel * plane + candidate]
          {
            continue
          }
          best = candidate
        }
        guard let best else { throw call.fault("a window that holds nothing but padding") }
        values[channel * places + place] = numbers[channel * plane + best]
        let inPlane = isColumnMajor ? columnMajor(best, window.input) : best
        indices[channel * places + place] = Int64(channel * plane + inPlane)
      }
    }
    let result =
      input.elementType.isFloatingPoint
      ? DenseTensor(input.elementType, shape, values)
      : DenseTensor(input.elementType, shape, values.map { Int64($0) })
    return [result, DenseTensor(.int64, shape, indices)]
  }

  /// A row-major offset as one that counts the first dimension fastest.
  private static func columnMajor(_ offset: Int, _ shape: [Int]) -> Int {
    var rest = offset
    var result = 0
    for (axis, size) in shape.enumerated().reversed() {
      result += rest % size * shape[..<axis].reduce(1, *)
      rest /= size
    }
    return result
  }

  private static func average(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.floatingInput(0)
    let window = try window(call, input)
    let shape = Array(input.shape[..<2]) + window.output
    let countsPadding = try call.integer("count_include_pad", default: 0) != 0
    let numbers = input.doubles
    let plane = window.input.reduce(1, *)
    let places = window.outputCount
    let table = window.table
    let divisors = (0..<places).map { place in
      table.reduce(0) { count, sources in
        let source = sources[place]
        return count + (source >= 0 || countsPadding && source == Window.Source.padding ? 1 : 0)
      }
    }
    guard divisors.allSatisfy({ $0 > 0 }) else {
      throw call.fault("a window that holds nothing but padding")
    }
    var values: [Double] = []
    for channel in 0..<input.shape[0] * input.shape[1] {
      for place in 0..<places {
        var sum = 0.0
        for sources in table where sources[place] >= 0 {
          sum += numbers[channel * plane + sources[place]]
        }
        values.append(sum / Double(divisors[place]))
      }
    }
    return [DenseTensor(input.elementType, shape, values)]
  }

  private static func mean(
    _ call: NodeCall, _ input: DenseTensor, axes: [Int], keepsDimensions: Bool
  ) throws(ONNXError) -> DenseTensor {
    let count = axes.reduce(1) { $0 * input.shape[$1] }
    let kept = input.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
    try call.allow(kept)
    try call.budget.spend(input.count)
    guard count > 0 else { throw call.fault("the mean of no elements") }
    let targets = StridedView(kept, broadcastTo: input.shape).offsets
    let shape =
      keepsDimensions
      ? kept : input.shape.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
    switch input.numbers {
    case .floating(let values):
      var sums = [Double](repeating: 0, count: kept.reduce(1, *))
      for (target, value) in zip(targets, values) { sums[target] += value }
      return DenseTensor(input.elementType, shape, sums.map { $0 / Double(count) })
    case .whole(let values):
      guard input.elementType != .bool, input.elementType != .uint64 else {
        throw call.fault("an input of type \(input.elementType)")
      }
      var sums = [Int64](repeating: 0, count: kept.reduce(1, *))
      for (target, value) in zip(targets, values) { sums[target] &+= value }
      return DenseTensor(input.elementType, shape, sums.map { $0 / Int64(count) })
    }
  }
}
