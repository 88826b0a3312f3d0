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
