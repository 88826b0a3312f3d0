/// An ONNX file for a test; field numbers are those of onnx.proto.
package struct ModelFile {
  package var irVersion: Int64 = 8
  package var opset: Int64 = 13
  package var metadata: [(String, String)] = []
  package var inputs: [(name: String, type: Int64, shape: [Int64?])] = []
  package var outputs: [(name: String, type: Int64, shape: [Int64?])] = []
  package var nodes: [Node] = []
  package var tensors: [Tensor] = []
  /// Writes more fields at the end of the graph.
  package var extra: (inout WireMessage) -> Void = { _ in }

  package struct Node {
    package var operation: String
    package var name = ""
    package var domain = ""
    package var inputs: [String]
    package var outputs: [String]
    /// Writers of one AttributeProto each.
    package var attributes: [(inout WireMessage) -> Void] = []

    package init(
      operation: String, name: String = "", domain: String = "", inputs: [String],
      outputs: [String], attributes: [(inout WireMessage) -> Void] = []
    ) {
      (self.operation, self.name, self.domain) = (operation, name, domain)
      (self.inputs, self.outputs, self.attributes) = (inputs, outputs, attributes)
    }
  }

  package struct Tensor {
    package var name: String
    package var type: Int64
    package var shape: [Int64]
    /// Writes the numbers.
    package var fill: (inout WireMessage) -> Void

    package init(
      name: String, type: Int64, shape: [Int64], fill: @escaping (inout WireMessage) -> Void
    ) {
      (self.name, self.type, self.shape, self.fill) = (name, type, shape, fill)
    }

    package func write(_ message: inout WireMessage) {
      for dimension in shape { message.integer(1, dimension) }
      message.integer(2, type)
      message.text(8, name)
      fill(&message)
    }
  }

  package init() {}

  /// A graph of one Relu from x to y.
  package static var relu: ModelFile {
    var file = ModelFile()
    file.inputs = [("x", 1, [nil, 2])]
    file.outputs = [("y", 1, [nil, 2])]
    file.nodes = [Node(operation: "Relu", name: "r", inputs: ["x"], outputs: ["y"])]
    return file
  }

  package var bytes: [UInt8] {
    var model = WireMessage()
    model.integer(1, irVersion)
    model.text(2, "test")
    model.message(8) { $0.integer(2, opset) }
    for (key, value) in metadata {
      model.message(14) {
        $0.text(1, key)
        $0.text(2, value)
      }
    }
    model.message(7) { graph in
      for node in nodes { graph.message(1) { Self.write(node, &$0) } }
      graph.text(2, "graph")
      for tensor in tensors { graph.message(5, tensor.write) }
      for (field, values) in [(11, inputs), (12, outputs)] {
        for value in values {
          graph.message(field) { Self.write(value.name, value.type, value.shape, &$0) }
        }
      }
      extra(&graph)
    }
    return model.bytes
  }

  package static func integers(_ name: String, _ values: [Int64]) -> (inout WireMessage) -> Void {
    { attribute in
      attribute.text(1, name)
      for value in values { attribute.integer(8, value) }
      attribute.integer(20, 7)
    }
  }

  private static func write(_ node: Node, _ message: inout WireMessage) {
    for input in node.inputs { message.text(1, input) }
    for output in node.outputs { message.text(2, output) }
    message.text(3, node.name)
    message.text(4, node.operation)
    for attribute in node.attributes { message.message(5, attribute) }
    if !node.domain.isEmpty { message.text(7, node.domain) }
  }

  private static func write(
    _ name: String, _ type: Int64, _ shape: [Int64?], _ message: inout WireMessage
  ) {
    message.text(1, name)
    message.message(2) { declared in
      declared.message(1) { tensor in
        tensor.integer(1, type)
        tensor.message(2) { dimensions in
          for dimension in shape {
            dimensions.message(1) {
              if let dimension { $0.integer(1, dimension) } else { $0.text(2, "batch") }
            }
          }
        }
      }
    }
  }
}
