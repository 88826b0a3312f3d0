import ONNX
import ResNet

extension ONNXTensor {
  var isExternal: Bool {
    if case .external = storage { true } else { false }
  }
}

extension ONNXImporter {
  /// Operators that are computed while the graph is read if all their inputs are known: shape
  /// arithmetic, and weights that are cast or transposed.
  ///
  /// Their work is proportional to their results.
  static let foldable: Set<String> = [
    "Abs", "Add", "And", "BatchNormalization", "Cast", "CastLike", "Ceil", "Clip", "Concat",
    "Constant", "ConstantOfShape", "Div", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor",
    "Gather", "Greater", "GreaterOrEqual", "Identity", "InstanceNormalization", "Less",
    "LessOrEqual", "Log", "LpNormalization", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow",
    "Range", "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", "Reshape", "Shape", "Sigmoid", "Size", "Slice",
    "Softplus", "Sqrt", "Squeeze", "Sub", "Swish", "Tanh", "Transpose", "Unsqueeze", "Where",
  ]

  static func external(_ tensor: ONNXTensor) -> CheckpointError {
    .unsupported(
      "tensor \"\(readable(tensor.name))\" lies outside of the file (external data), which is read "
        + "only for a file on the command line; `resnetd convert` makes one file of it"
    )
  }

  /// Computes the node's value, or returns nil if it depends on the image or is not computed here.
  mutating func fold(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue? {
    guard Self.foldable.contains(node.operation),
      node.inputs.allSatisfy({ $0.isEmpty || isConstant($0) })
    else { return nil }
    // Weights in nodes are many numbers, and need no computing.
    if node.operation == "Constant", case .tensor(let tensor) = node.attributes["value"] {
      guard !tensor.isExternal else { throw Self.external(tensor) }
      return .constant(tensor)
    }
    switch value(0, of: node) {
    case .constant(let tensor)? where keepsNumbers(node, of: tensor.elementType):
      return .constant(tensor)
    case .dequantized(let tensor, let quantization)? where keepsNumbers(node, of: .float):
      return .dequantized(tensor, quantization)
    default: break
    }
    if let moved = try moved(node) { return moved }
    var limits = ONNXLimits()
    limits.elementCountLimit = resultElementLimit
    limits.workLimit = foldedElementLimit
    do {
      var inputs: [DenseTensor?] = []
      for index in node.inputs.indices {
        guard let tensor = try constant(index, of: node) else {
          inputs.append(nil)
          continue
        }
        let input = try DenseTensor(tensor, limits: limits) { (tensor) throws(ONNXError) in
          throw .tensor(name: tensor.name, reason: "lies outside of the file")
        }
        try countFolded(input.count)
        inputs.append(input)
      }
      let results = try Evaluator(limits: limits).evaluate(
        node, inputs: inputs, opset: model.opset)
      guard let result = results.first else { return nil }
      try countFolded(result.count)
      return .constant(
        ONNXTensor(
          name: node.outputs.first ?? "", elementType: result.elementType, shape: result.shape,
          storage: .bytes(result.bytes)))
    } catch let error as CheckpointError {
      throw error
    } catch { throw fault(node, "\(error)") }
  }

  /// Returns whether a node changes none of a tensor's numbers; weights in half precision pass a
  /// cast.
  private func keepsNumbers(_ node: ONNXNode, of elementType: ONNXElementType) -> Bool {
    guard node.operation == "Cast", case .integer(let to) = node.attributes["to"] else {
      return node.operation == "Identity"
    }
    switch (elementType, ONNXElementType(rawValue: Int32(truncatingIfNeeded: to))) {
    case (.float16, .float), (.bfloat16, .float), (.float, .float), (.float, .double),
      // Rounding happens, and is reported, when the numbers are taken.
      (.double, .float):
      return true
    default: return false
    }
  }

  mutating func countFolded(_ count: Int) throws(CheckpointError) {
    foldedElementCount += count
    guard foldedElementCount <= foldedElementLimit else {
      throw .overLimit(
        what: "numbers that the graph computes from constants", value: foldedElementCount,
        limit: foldedElementLimit)
    }
  }

  func constant(_ index: Int, of node: ONNXNode) throws(CheckpointError) -> ONNXTensor? {
    switch value(index, of: node) {
    case nil: return nil
    case .constant(let tensor): return tensor
    case .dequantized(let tensor, let quantization):
      return try dequantized(tensor, quantization, node)
    default: throw fault(node, "input \(index) is not a constant")
    }
  }

  /// Returns numbers as fp32, row-major; at least one.
  mutating func parameter(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> Tensor? {
    if case .dequantized(let tensor, let quantization) = value(index, of: node) {
      return try parameter(tensor, quantization)
    }
    guard let tensor = try constant(index, of: node) else { return nil }
    let type: ElementType
    switch tensor.elementType {
    case .float: type = .float32
    case .float16: type = .float16
    case .bfloat16: type = .bfloat16
    case .double:
      type = .float64
      noteNarrowing()
    default:
      throw fault(node, "input \(index) is of type \(tensor.elementType), not a floating-point one")
    }
    guard case .bytes(let bytes) = tensor.storage,
      let count = ONNXTensor.elementCount(tensor.shape, limit: bytes.count), count > 0,
      bytes.count == count * type.byteCount
    else { throw fault(node, "input \(index) has shape \(tensor.shape) and not as many numbers") }
    try countParameter(count)
    let entry = TensorEntry(
      name: tensor.name, type: type, shape: tensor.shape, range: 0..<bytes.count)
    // SAFETY: the array's own bytes, read during the call.
    let values = unsafe bytes.withUnsafeBytes { unsafe type.floats(entry, in: $0.bytes) }
    return Tensor(shape: tensor.shape, storage: values)
  }

  mutating func neededParameter(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> Tensor {
    guard let tensor = try parameter(index, of: node) else {
      throw fault(node, "input \(index) is missing")
    }
    return tensor
  }

  /// Returns whole numbers of a short list.
  func integers(_ index: Int, of node: ONNXNode) throws(CheckpointError) -> [Int]? {
    guard let tensor = try constant(index, of: node) else { return nil }
    guard tensor.elementType == .int64 || tensor.elementType == .int32, tensor.shape.count <= 1,
      case .bytes(let bytes) = tensor.storage,
      let count = ONNXTensor.elementCount(tensor.shape, limit: 64),
      bytes.count == count * tensor.elementType.byteCount
    else { throw fault(node, "input \(index) is not a short list of whole numbers") }
    let dense = DenseTensor(tensor.elementType, tensor.shape, bytes: bytes)
    guard case .whole(let values) = dense.numbers else { return nil }
    return values.map { Int($0) }
  }

  // MARK: - Attributes

  func integer(
    _ name: String, of node: ONNXNode, default fallback: Int
  ) throws(CheckpointError) -> Int {
    switch node.attributes[name] {
    case nil: return fallback
    case .integer(let value): return Int(value)
    default: throw fault(node, "attribute \(name) is not a whole number")
    }
  }

  /// Returns the value of an attribute that is a flag, which must be 0 or 1.
  func flag(
    _ name: String, of node: ONNXNode, default fallback: Bool = false
  ) throws(CheckpointError) -> Bool {
    switch try integer(name, of: node, default: fallback ? 1 : 0) {
    case 0: return false
    case 1: return true
    case let other: throw fault(node, "attribute \(name) is \(other), neither 0 nor 1")
    }
  }

  func number(
    _ name: String, of node: ONNXNode, default fallback: Float
  ) throws(CheckpointError) -> Float {
    switch node.attributes[name] {
    case nil: return fallback
    case .number(let value) where value.isFinite: return value
    default: throw fault(node, "attribute \(name) is not a finite number")
    }
  }

  func integerList(_ name: String, of node: ONNXNode) throws(CheckpointError) -> [Int]? {
    switch node.attributes[name] {
    case nil: return nil
    case .integers(let values): return values.map { Int($0) }
    default: throw fault(node, "attribute \(name) is not a list of whole numbers")
    }
  }
}
