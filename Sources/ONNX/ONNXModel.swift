/// An ONNX file as values; nodes stand in an order in which they can run.
package struct ONNXModel: Sendable {
  package let irVersion: Int64
  /// The program that wrote the file, as it calls itself.
  package let producer: String
  package let graphName: String
  /// Of ONNX's own operators.
  package let opset: Int64
  package let metadata: [String: String]
  /// What a caller must give: without those that have an initialiser.
  package let inputs: [ONNXValue]
  package let outputs: [ONNXValue]
  package let nodes: [ONNXNode]
  /// Constants by name.
  package internal(set) var initializers: [String: ONNXTensor]
}
