import ONNX
import ResNet

extension ONNXImporter {
  /// Functions of each number on its own.
  static let elementwiseOperators: [String: Operator] = [
    "Relu": { importer, node throws(CheckpointError) in
      let (input, value) = try importer.anyOperand(0, of: node)
      return value(try importer.append(node.name, .relu, [input], for: node))
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
      try importer.gated(.hardSigmoid(alpha: 1 / 6, beta: 0.5), node)
    },
    "Swish": { importer, node throws(CheckpointError) in try importer.swish(node) },
    "LeakyRelu": { importer, node throws(CheckpointError) in
      let slope = try importer.number("alpha", of: node, default: 0.01)
      return try importer.apply(.leakyRelu(slope: slope), node)
    },
    "PRelu": { importer, node throws(CheckpointError) in try importer.parametricRelu(node) },
    "Elu": { importer, node throws(CheckpointError) in
      try importer.apply(.elu(alpha: importer.number("alpha", of: node, default: 1)), node)
    },
    "Celu": { importer, node throws(CheckpointError) in try importer.continuousElu(node) },
    "Selu": { importer, node throws(CheckpointError) in try importer.scaledElu(node) },
    "Gelu": { importer, node throws(CheckpointError) in
      if node.attributes[ONNXPatterns.isRounded] != nil { importer.quantization.mergedCount += 1 }
      switch node.attributes["approximate"] {
      case nil, .string("none"): return try importer.apply(.gelu, node)
      case .string("tanh"): return try importer.apply(.tanhGelu, node)
      default: throw importer.fault(node, "approximate is neither \"none\" nor \"tanh\"")
      }
    },
    "Mish": { importer, node throws(CheckpointError) in
      // x * tanh(log(1 + exp(x))).
      let (input, value) = try importer.anyOperand(0, of: node)
      let softplus = try importer.append(
        "\(node.name).softplus", .elementwise(.softplus), [input], for: node)
      let gate = try importer.append(
        "\(node.name).gate", .elementwise(.tanh), [softplus], for: node)
      return value(try importer.append(node.name, .multiply, [input, gate], for: node))
    },
    "Tanh": { importer, node throws(CheckpointError) in try importer.apply(.tanh, node) },
    "Softplus": { importer, node throws(CheckpointError) in try importer.apply(.softplus, node) },
    "Exp": { importer, node throws(CheckpointError) in try importer.apply(.exponential, node) },
    "Log": { importer, node throws(CheckpointError) in try importer.apply(.logarithm, node) },
    "Sqrt": { importer, node throws(CheckpointError) in try importer.apply(.squareRoot, node) },
    "Reciprocal": { importer, node throws(CheckpointError) in
      try importer.apply(.power(exponent: -1), node)
    },
    "Abs": { importer, node throws(CheckpointError) in
      let (input, value) = try importer.anyOperand(0, of: node)
      return value(try importer.magnitudes(of: input, named: node.name, node))
    },
    "Pow": { importer, node throws(CheckpointError) in
      if let given = try importer.constant(1, of: node), !given.elementType.isFloatingPoint,
        let whole = try importer.integers(1, of: node), whole.count == 1
      {
        return try importer.apply(.power(exponent: Float(whole[0])), node)
      }
      guard let exponent = try importer.parameter(1, of: node) else {
        throw importer.fault(node, "its exponent is computed")
      }
      guard exponent.elementCount > 1 else {
        return try importer.apply(.power(exponent: exponent.values[0]), node)
      }
      return try importer.raise(to: exponent, node)
    },
    "Clip": { importer, node throws(CheckpointError) in
      let (minimum, maximum) = try importer.bounds(node)
      return try importer.apply(.clip(minimum: minimum, maximum: maximum), node)
    },
  ]

  mutating func apply(
    _ function: Elementwise, _ node: ONNXNode, input index: Int = 0
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, value) = try anyOperand(index, of: node)
    return value(try append(node.name, .elementwise(function), [input], for: node))
  }

  /// Returns what numbers of a node's first input are without their signs.
  mutating func magnitudes(
    of input: Graph.NodeID, named name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    // It is read twice here, so a scale must not become part of it.
    openNormalizations[node.inputs[0]] = nil
    let negative = try scale(input, by: -1, named: "\(name).negative", node)
    return try append(name, .combine(.maximum), [input, negative], for: node)
  }

  private mutating func swish(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let alpha = try number("alpha", of: node, default: 1)
    guard alpha != 1 else { return try gated(.sigmoid, node) }
    let (input, value) = try anyOperand(0, of: node)
    // It is read twice here, so a scale must not become part of it.
    openNormalizations[node.inputs[0]] = nil
    let scaled = try scale(input, by: alpha, named: "\(node.name).scaled", node)
    let gate = try append("\(node.name).gate", .elementwise(.sigmoid), [scaled], for: node)
    return value(try append(node.name, .multiply, [input, gate], for: node))
  }

  /// Multiplies an input by a function of itself.
  private mutating func gated(
    _ function: Elementwise, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, value) = try anyOperand(0, of: node)
    let gate = try append("\(node.name).gate", .elementwise(function), [input], for: node)
    return value(try append(node.name, .multiply, [input, gate], for: node))
  }

  /// Raises numbers that are not below zero to an exponent for each channel, by their logarithms.
  private mutating func raise(
    to exponent: Tensor, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    let exponents = try perChannel(exponent, shapes[input], order, node)
    guard exponents.count > 1 else { return try apply(.power(exponent: exponents[0]), node) }
    guard resultBounds[input].isNonnegative else {
      throw fault(
        node,
        "its exponent is not one number but one for each channel, which a base that may be below zero "
          + "cannot have here")
    }
    let logarithm = try append(
      "\(node.name).log", .elementwise(.logarithm), [input], for: node)
    let scaled = try normalize(
      logarithm, scale: exponents, shift: [Float](repeating: 0, count: exponents.count),
      named: "\(node.name).scaled", node)
    return order.value(try append(node.name, .elementwise(.exponential), [scaled], for: node))
  }

  /// Adds what is above zero and what is below it times the slope of its channel.
  private mutating func parametricRelu(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    let slopes = try perChannel(neededParameter(1, of: node), shapes[input], order, node)
    if slopes.count == 1 {
      return try apply(.leakyRelu(slope: slopes[0]), node)
    }
    let above = try append("\(node.name).above", .relu, [input], for: node)
    let below = try append(
      "\(node.name).below", .elementwise(.clip(minimum: -.infinity, maximum: 0)), [input],
      for: node)
    let scaled = try normalize(
      below, scale: slopes, shift: [Float](repeating: 0, count: slopes.count), node)
    return order.value(try append(node.name, .add, [above, scaled], for: node))
  }

  /// Computes `alpha * elu(x / alpha)`, which is x above zero and `alpha * (exp(x / alpha) - 1)`
  /// below it.
  private mutating func continuousElu(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let alpha = try number("alpha", of: node, default: 1)
    guard alpha != 1 else { return try apply(.elu(alpha: 1), node) }
    guard alpha > 0, alpha.isFinite, (1 / alpha).isFinite else {
      throw fault(node, "alpha \(alpha), which is not above zero")
    }
    let (input, value) = try anyOperand(0, of: node)
    let quotient = try scale(input, by: 1 / alpha, named: "\(node.name).quotient", node)
    let elu = try append("\(node.name).elu", .elementwise(.elu(alpha: 1)), [quotient], for: node)
    return value(try scale(elu, by: alpha, node))
  }

  private mutating func scaledElu(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let alpha = try number("alpha", of: node, default: 1.67326319)
    let gamma = try number("gamma", of: node, default: 1.05070102)
    let (input, value) = try anyOperand(0, of: node)
    let elu = try append("\(node.name).elu", .elementwise(.elu(alpha: alpha)), [input], for: node)
    return value(try scale(elu, by: gamma, node))
  }

  /// Returns the node that computes an input in whatever layout, and the value of a node's output
  /// in the same one.
  mutating func anyOperand(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, (Graph.NodeID) -> ONNXImportedValue) {
    if case .arranged(let id, let arrangement) = value(index, of: node) {
      return (id, { .arranged($0, arrangement) })
    }
    let (id, order) = try operand(index, of: node)
    return (id, order.value)
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
