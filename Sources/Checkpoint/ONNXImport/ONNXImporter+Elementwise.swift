import ONNX
import ResNet

extension ONNXImporter {
  /// Functions of each number on its own.
  static let elementwiseOperators: [String: Operator] = [
    "Relu": { importer, node throws(CheckpointError) in
      let (input, order) = try importer.operand(0, of: node)
      return order.value(try importer.append(node.name, .relu, [input], for: node))
    },
    "Sigmoid": { importer, node throws(CheckpointError) in
      try importer.apply(.sigmoid, node)
    },
    "HardSigmoid": { importer, node throws(CheckpointError) in
      let alpha = try importer.number("alpha", of: node, default: 0.2)
      let beta = try importer.number("beta", of: node, default: 0.5)
      return try importer.apply(.hardSigmoid(alpha: alpha, beta: beta), node)
    },
    "HardSwish": { importer, node throws(CheckpointError) in
      // x * max(0, min(1, x / 6 + 0.5)), as the operator defines it.
      let (input, order) = try importer.operand(0, of: node)
      let function = Operation.elementwise(.hardSigmoid(alpha: 1 / 6, beta: 0.5))
      let gate = try importer.append("\(node.name).gate", function, [input], for: node)
      return order.value(try importer.append(node.name, .multiply, [input, gate], for: node))
    },
    "Clip": { importer, node throws(CheckpointError) in
      let (minimum, maximum) = try importer.bounds(node)
      return try importer.apply(.clip(minimum: minimum, maximum: maximum), node)
    },
  ]

  private mutating func apply(
    _ function: Elementwise, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    return order.value(try append(node.name, .elementwise(function), [input], for: node))
  }

  /// Returns the bounds, which are attributes before operator set 11 and inputs since.
  ///
  /// A missing one does not bound.
  private mutating func bounds(
    _ node: ONNXNode
  ) throws(CheckpointError) -> (minimum: Float, maximum: Float) {
    guard model.opset >= 11 else {
      return (
        try number("min", of: node, default: -.infinity),
        try number("max", of: node, default: .infinity)
      )
    }
    func bound(
      _ tensor: Tensor?, or absent: Float
    ) throws(CheckpointError) -> Float {
      guard let tensor else { return absent }
      guard tensor.elementCount == 1 else {
        throw fault(node, "a bound of shape \(tensor.shape)")
      }
      return tensor.values[0]
    }
    return (
      try bound(parameter(1, of: node), or: -.infinity),
      try bound(parameter(2, of: node), or: .infinity)
    )
  }
}
