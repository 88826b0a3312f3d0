/// Tensors whose numbers lie in another file.
extension ModelFile {
  /// Fills a tensor with the place of its numbers in the file's form: keys and values.
  package static func external(
    _ entries: [(key: String, value: String)]
  ) -> (inout WireMessage) -> Void {
    { tensor in
      for (key, value) in entries {
        tensor.message(13) {
          $0.text(1, key)
          $0.text(2, value)
        }
      }
      tensor.integer(14, 1)
    }
  }

  /// Makes the first initialiser the value of a node before all others.
  ///
  /// - Parameters:
  ///   - operation: Constant, or another operator with a tensor for an attribute.
  ///   - inputs: Inputs of the node.
  package mutating func moveFirstTensorIntoNode(
    _ operation: String = "Constant", domain: String = "", inputs: [String] = []
  ) {
    let tensor = tensors.removeFirst()
    let value: (inout WireMessage) -> Void = { attribute in
      attribute.text(1, "value")
      attribute.message(5, tensor.write)
      attribute.integer(20, 4)
    }
    nodes.insert(
      Node(
        operation: operation, domain: domain, inputs: inputs, outputs: [tensor.name],
        attributes: [value]), at: 0)
  }
}
