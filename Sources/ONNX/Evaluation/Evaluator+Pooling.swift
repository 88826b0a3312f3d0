extension Evaluator {
  static let poolingOperators: [String: Operator] = [
    "MaxPool": maximum,
    "AveragePool": average,
  ]

  private static func window(_ call: NodeCall, _ input: DenseTensor) throws(ONNXError) -> Window {
    guard input.rank >= 3, let kernel = try call.integerList("kernel_shape") else {
      throw call.fault("the input has shape \(input.shape), or kernel_shape is missing")
    }
    let window = try Window(call, over: input.shape, kernel: kernel)
    try call.allow(Array(input.shape[..<2]) + window.output)
    try call.allow(kernel + window.output)
    try call.budget.spend(input.shape[0], input.shape[1], window.outputCount, window.kernelCount)
    return window
  }

  /// Computes MaxPool; the second output is the place of each maximum in the whole input.
  private static func maximum(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let window = try window(call, input)
    let shape = Array(input.shape[..<2]) + window.output
    let isColumnMajor = try call.integer("storage_order", default: 0) != 0
    let numbers = input.doubles
    let plane = window.input.reduce(1, *)
    let places = window.outputCount
    let table = window.table
    // 64-bit integers would lose digits as Double; ONNX does not pool them.
    guard input.elementType.isFloatingPoint || input.elementType.byteCount == 1,
      input.elementType != .bool
    else { throw call.fault("input 0 is of type \(input.elementType), which is not pooled") }
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
        guard let best else { throw call.fault("a window covers nothing but padding") }
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

  /// Converts a row-major offset to one that counts the first dimension fastest.
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
      throw call.fault("a window covers nothing but padding")
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
}
