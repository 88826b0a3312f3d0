/// An ONNX file as values; nodes stand in an order in which they can run.
package struct ONNXModel: Sendable {
  package let irVersion: Int64
  /// The program that wrote the file, as it calls itself.
  package let producer: String
  package let graphName: String
  /// The set of ONNX's own operators by which the nodes are to be read: 7 to 17. A file of a later one is put into the
  /// words of 17 when it is read.
  package let opset: Int64
  package let metadata: [String: String]
  /// What a caller must give: without those that have an initialiser.
  package let inputs: [ONNXValue]
  package let outputs: [ONNXValue]
  package let nodes: [ONNXNode]
  /// Constants by name.
  package internal(set) var initializers: [String: ONNXTensor]
}

extension ONNXModel {
  /// Reads a file's bytes. Nothing else is opened: external data stays a location.
  package init(bytes: RawSpan) throws(ONNXError) {
    let file = try ParsedFile(bytes)
    self = try file.model()
  }
}

/// One use of an operator.
package struct ONNXNode: Sendable, Equatable {
  /// As the file names it, else by its first output; unique names are not asked for.
  package let name: String
  package let operation: String
  /// Empty for ONNX's own operators.
  package let domain: String
  /// Names of tensors; an empty one stands for an optional input that is left out.
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

/// The value of a node's attribute.
package enum ONNXAttribute: Sendable, Equatable {
  case integer(Int64)
  case number(Float)
  case text(String)
  case tensor(ONNXTensor)
  case integers([Int64])
  case numbers([Float])
  case texts([String])
}
