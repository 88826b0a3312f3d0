import ONNX

/// Attention over pixels, which no operation of the graph can express: for the words of a refusal.
extension ONNXImporter {
  /// Operators that multiply tensors by each other.
  private static let products: Set<String> = ["MatMul", "Gemm", "Einsum"]
  /// Operators that are attention by name.
  private static let attentions: Set<String> = ["Attention", "MultiHeadAttention"]

  /// Words for a network that multiplies two results of the image by each other, with the first node
  /// that does; nil for others.
  var attention: String? {
    var dependent = Set(model.inputs.map(\.name))
    for node in model.nodes {
      let inputs = node.inputs.filter(dependent.contains)
      if Self.products.contains(node.operation) && inputs.count > 1
        || Self.attentions.contains(node.operation) && !inputs.isEmpty
      {
        return "attention over pixels: node \"\(Self.readable(node.name))\" "
          + "(\(Self.readable(node.operation))) multiplies results of the image by each other, which is "
          + "not computed here; \(attentionRemedy)"
      }
      // A shape is none of the image's numbers.
      if !inputs.isEmpty, node.operation != "Shape" { dependent.formUnion(node.outputs) }
    }
    return nil
  }
}

/// What to do with a network that has attention over pixels.
let attentionRemedy =
  "take a network without it, as the plain one of the same family, export this one up to the layer "
  + "before it if that is enough, or run it in another program, such as ONNX Runtime"
