/// One evaluation of a node: its inputs, and its attributes as operators ask for them.
struct NodeCall {
  let node: ONNXNode
  let opset: Int64
  /// Inputs in the node's order; nil for an optional one that is left out.
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

  /// Returns an input that must be of a floating-point type.
  func floatingInput(_ index: Int) throws(ONNXError) -> DenseTensor {
    let input = try input(index)
    guard input.elementType.isFloatingPoint else {
      throw fault("input \(index) is of type \(input.elementType), not of a floating-point type")
    }
    return input
  }

  /// Returns an input that is a list of integers; nil if it is left out.
  func optionalIntegers(_ index: Int) throws(ONNXError) -> [Int]? {
    guard let input = optional(index) else { return nil }
    guard let values = input.integers, input.rank <= 1 else {
      throw fault("input \(index) is not a list of integers")
    }
    return values.map { Int($0) }
  }

  func integers(_ index: Int) throws(ONNXError) -> [Int] {
    guard let values = try optionalIntegers(index) else { throw fault("input \(index) is missing") }
    return values
  }

  /// Returns the element of a tensor with just one; nil if it is left out.
  func scalar(_ index: Int) throws(ONNXError) -> Double? {
    guard let input = optional(index) else { return nil }
    guard input.count == 1 else {
      throw fault("input \(index) has \(input.count) elements, not one")
    }
    return input.doubles[0]
  }

  // MARK: - Attributes

  func integer(_ name: String, default fallback: Int) throws(ONNXError) -> Int {
    switch node.attributes[name] {
    case nil: return fallback
    case .integer(let value): return Int(value)
    default: throw fault("attribute \(name) is not an integer")
    }
  }

  func number(_ name: String, default fallback: Float) throws(ONNXError) -> Double {
    switch node.attributes[name] {
    case nil: return Double(fallback)
    case .number(let value): return Double(value)
    default: throw fault("attribute \(name) is not a number")
    }
  }

  func string(_ name: String, default fallback: String) throws(ONNXError) -> String {
    switch node.attributes[name] {
    case nil: return fallback
    case .string(let value): return value
    default: throw fault("attribute \(name) is not a string")
    }
  }

  func integerList(_ name: String) throws(ONNXError) -> [Int]? {
    switch node.attributes[name] {
    case nil: return nil
    case .integers(let values): return values.map { Int($0) }
    default: throw fault("attribute \(name) is not a list of integers")
    }
  }

  /// Returns a list of a given length, of values so small that sums and products of two cannot
  /// overflow.
  func sizes(
    _ name: String, count: Int, default fallback: Int, minimum: Int
  ) throws(ONNXError) -> [Int] {
    guard let values = try integerList(name) else {
      return [Int](repeating: fallback, count: count)
    }
    guard values.count == count else {
      throw fault("attribute \(name) has \(values.count) values, not \(count)")
    }
    let limit = ONNXLimits.attributeLimit
    for value in values where !(minimum...limit).contains(value) {
      throw fault("attribute \(name) has the value \(value), allowed are \(minimum) to \(limit)")
    }
    return values
  }

  // MARK: - Shapes

  /// Returns an axis counted from the front; `rank` itself is allowed if `pastTheEnd` is true.
  func axis(_ axis: Int, rank: Int, pastTheEnd: Bool = false) throws(ONNXError) -> Int {
    let upper = pastTheEnd ? rank : rank - 1
    guard axis >= -rank, axis <= upper else {
      throw fault("axis \(axis) is out of range for \(rank) dimensions")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Returns axes counted from the front; none may be repeated.
  func axes(_ list: [Int], rank: Int) throws(ONNXError) -> [Int] {
    guard rank <= ONNXLimits.rankLimit, list.count <= rank else {
      throw fault("there are \(list.count) axes for \(rank) dimensions")
    }
    var axes: [Int] = []
    for value in list {
      let axis = try axis(value, rank: rank)
      guard !axes.contains(axis) else { throw fault("axis \(axis) is repeated") }
      axes.append(axis)
    }
    return axes
  }

  /// Checks that a result of this shape is allowed, and counts its elements as work.
  @discardableResult
  func allow(_ shape: [Int]) throws(ONNXError) -> [Int] {
    guard shape.count <= ONNXLimits.rankLimit else {
      throw fault(
        "a result may not have \(shape.count) dimensions, at most \(ONNXLimits.rankLimit)")
    }
    let limit = budget.limits.elementCountLimit
    guard let count = ONNXTensor.elementCount(shape, limit: limit) else {
      throw fault("a result of shape \(shape) is too large, at most \(limit) elements are allowed")
    }
    try budget.spend(count)
    return shape
  }

  func sameType(_ first: DenseTensor, _ second: DenseTensor) throws(ONNXError) {
    guard first.elementType == second.elementType else {
      throw fault(
        "the inputs' types \(first.elementType) and \(second.elementType) differ"
      )
    }
  }
}
