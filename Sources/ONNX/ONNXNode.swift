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
