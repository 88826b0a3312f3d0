/// One node at work: its inputs, and its attributes as operators ask for them.
struct NodeCall {
  let node: ONNXNode
  let opset: Int64
  /// Nil for an optional input that is left out.
  let inputs: [DenseTensor?]
  let budget: WorkBudget

  func fault(_ reason: String) -> ONNXError {
    .node(name: node.name, operation: node.operation, reason: reason)
  }

  func optional(_ index: Int) -> DenseTensor? { index < inputs.count ? inputs[index] : nil }

  func input(_ index: Int) throws(ONNXError) -> DenseTensor {
    guard let input = optional(index) else { throw fault("input \(index) is missing") }
    return input
  }

  /// Of a floating-point type.
  func floatingInput(_ index: Int) throws(ONNXError) -> DenseTensor {
    let input = try input(index)
    guard input.elementType.isFloatingPoint else {
      throw fault("input \(index) is of type \(input.elementType), not of a floating-point one")
    }
    return input
  }

  /// Whole numbers of a short list; nil where it is left out.
  func optionalIntegers(_ index: Int) throws(ONNXError) -> [Int]? {
    guard let input = optional(index) else { return nil }
    guard let values = input.integers, input.rank <= 1 else {
      throw fault("input \(index) is no list of whole numbers")
    }
    return values.map { Int($0) }
  }

  func integers(_ index: Int) throws(ONNXError) -> [Int] {
    guard let values = try optionalIntegers(index) else { throw fault("input \(index) is missing") }
    return values
  }

  /// The first of a tensor with one element.
  func scalar(_ index: Int) throws(ONNXError) -> Double? {
    guard let input = optional(index) else { return nil }
    guard input.count == 1 else { throw fault("input \(index) is no single number") }
    return input.doubles[0]
  }

  // MARK: - Attributes

  func integer(_ name: String, default fallback: Int) throws(ONNXError) -> Int {
    switch node.attributes[name] {
    case nil: return fallback
    case .integer(let value): return Int(value)
    default: throw fault("attribute \(name) is no whole number")
    }
  }

  func number(_ name: String, default fallback: Float) throws(ONNXError) -> Double {
    switch node.attributes[name] {
    case nil: return Double(fallback)
    case .number(let value): return Double(value)
    default: throw fault("attribute \(name) is no number")
    }
  }

  func text(_ name: String, default fallback: String) throws(ONNXError) -> String {
    switch node.attributes[name] {
    case nil: return fallback
    case .text(let value): return value
    default: throw fault("attribute \(name) is no text")
    }
  }

  func integerList(_ name: String) throws(ONNXError) -> [Int]? {
    switch node.attributes[name] {
    case nil: return nil
    case .integers(let values): return values.map { Int($0) }
    default: throw fault("attribute \(name) is no list of whole numbers")
    }
  }

  /// A list of a given length with values whose sums and products of two cannot overflow.
  func sizes(
    _ name: String, count: Int, default fallback: Int, minimum: Int
  ) throws(ONNXError) -> [Int] {
    guard let values = try integerList(name) else {
      return [Int](repeating: fallback, count: count)
    }
    guard values.count == count else {
      throw fault("attribute \(name) has \(values.count) values, \(count) are needed")
    }
    for value in values where !(minimum...ONNXLimits.attributeLimit).contains(value) {
      throw fault("attribute \(name) has the value \(value)")
    }
    return values
  }

  // MARK: - Shapes

  /// An axis counted from the front; `count` itself is allowed where `pastTheEnd` says so.
  func axis(_ axis: Int, rank: Int, pastTheEnd: Bool = false) throws(ONNXError) -> Int {
    let upper = pastTheEnd ? rank : rank - 1
    guard axis >= -rank, axis <= upper else {
      throw fault("axis \(axis) of a tensor with \(rank) dimensions")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes counted from the front, none twice.
  func axes(_ list: [Int], rank: Int) throws(ONNXError) -> [Int] {
    guard rank <= ONNXLimits.rankLimit, list.count <= rank else {
      throw fault("\(list.count) axes of \(rank) dimensions")
    }
    var axes: [Int] = []
    for value in list {
      let axis = try axis(value, rank: rank)
      guard !axes.contains(axis) else { throw fault("axis \(axis) twice") }
      axes.append(axis)
    }
    return axes
  }

  /// Makes sure that a result of this shape may be made, and counts its elements as work.
  @discardableResult
  func allow(_ shape: [Int]) throws(ONNXError) -> [Int] {
    guard shape.count <= ONNXLimits.rankLimit else {
      throw fault("a result with \(shape.count) dimensions")
    }
    let limit = budget.limits.elementCountLimit
    guard let count = ONNXTensor.elementCount(shape, limit: limit) else {
      throw fault("a result of shape \(shape), at most \(limit) elements are allowed")
    }
    try budget.spend(count)
    return shape
  }

  func sameType(_ first: DenseTensor, _ second: DenseTensor) throws(ONNXError) {
    guard first.elementType == second.elementType else {
      throw fault("inputs of types \(first.elementType) and \(second.elementType)")
    }
  }
}
