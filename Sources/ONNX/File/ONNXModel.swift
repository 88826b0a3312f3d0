/// ONNX file as values; its nodes are in an order in which they can run.
package struct ONNXModel: Sendable {
  package let irVersion: Int64
  /// Name of the program that wrote the file.
  package let producer: String
  package let graphName: String
  /// Operator set that defines the nodes: 7 to 17. A file of a later one is translated to 17 when
  /// it is read.
  package let opset: Int64
  package let metadata: [String: String]
  /// Inputs that a caller must give: those without an initialiser.
  package let inputs: [ONNXValue]
  package let outputs: [ONNXValue]
  package let nodes: [ONNXNode]
  /// Constants by name.
  package internal(set) var initializers: [String: ONNXTensor]
}

/// Declaration of a graph's input or output.
package struct ONNXValue: Sendable, Equatable {
  package let name: String
  /// Element type; nil if it is not declared, or not a tensor of a known type.
  package let elementType: ONNXElementType?
  /// Sizes, nil for a dimension without a number; nil as a whole if any shape is allowed.
  package let shape: [Int?]?

  package init(name: String, elementType: ONNXElementType?, shape: [Int?]?) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
  }

  /// Shape for people, such as `[1, 3, ?, ?]`.
  package var shapeDescription: String {
    guard let shape else { return "any shape" }
    return "[" + shape.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
  }
}

/// Node of a graph: one use of an operator.
package struct ONNXNode: Sendable, Equatable {
  /// Name in the file, else its first output; names need not be unique.
  package let name: String
  package let operation: String
  /// Empty for ONNX's own operators.
  package let domain: String
  /// Names of tensors; an empty one means an optional input that is left out.
  package let inputs: [String]
  package let outputs: [String]
  package let attributes: [String: ONNXAttribute]

  package init(
    name: String, operation: String, domain: String = "", inputs: [String], outputs: [String],
    attributes: [String: ONNXAttribute] = [:]
  ) {
    self.name = name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name
    self.operation = operation
    self.domain = domain == "ai.onnx" ? "" : domain
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }
}

/// Value of a node's attribute.
package enum ONNXAttribute: Sendable, Equatable {
  case integer(Int64)
  case number(Float)
  case string(String)
  case tensor(ONNXTensor)
  case integers([Int64])
  case numbers([Float])
  case strings([String])
}
