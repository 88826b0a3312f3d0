import ONNX

/// Nodes in which exporters write an operator that their operator set does not have, found by the
/// last of them and made one again.
///
/// The others stay, and nothing reads them if the pattern was all of their use.
struct ONNXPatterns {
  /// Operator that normalises by the mean and variance over its attribute `axes`; of no file, for it
  /// has a character that no exporter's operators have.
  static let normalization = "#Normalization"
  /// LRN of a map whose last three dimensions are the attribute `sizes`, -1 for an open one.
  static let localResponse = "#LocalResponse"

  /// Reshape to the shape of the second input, whose numbers must be the places 0, 1, … of those of
  /// the first.
  static let view = "#View"

  /// Attribute of a Gelu between whose parts the file quantises or narrows.
  static let isRounded = "#rounded"

  private let model: ONNXModel
  private let source: [ONNXNode]
  private var makers: [String: ONNXNode] = [:]
  /// Tensors that no image's pixels are needed for: what is computed of them needs no pattern.
  private var constants: Set<String>

  /// - Parameter nodes: The model's, or what they are in other words.
  init(_ model: ONNXModel, _ nodes: [ONNXNode]) {
    self.model = model
    source = nodes
    constants = Set(model.initializers.keys)
    for node in nodes where node.domain.isEmpty || Self.rounding.contains(node.operation) {
      if let output = node.outputs.first { makers[output] = node }
      if node.operation == "Shape"
        || node.inputs.allSatisfy({ $0.isEmpty || constants.contains($0) })
      {
        constants.formUnion(node.outputs)
      }
    }
  }

  /// Returns the nodes, the last of each pattern replaced by what it is.
  func nodes() -> [ONNXNode] {
    source.map { node in
      guard node.domain.isEmpty else { return node }
      switch node.operation {
      case "Mul": return gelu(node) ?? node
      case "Div": return normalization(node) ?? localResponse(node) ?? node
      case "Gather": return view(node) ?? node
      case "Where": return softplus(node) ?? node
      case "Log": return logSoftmax(node) ?? node
      default: return node
      }
    }
  }

  // MARK: - Activation

  /// Number above which softplus is its argument, in single precision.
  private static let softplusBound = 15.0

  /// `where(b * x > 20, x, softplus(b * x) / b)`, as PyTorch's newer exporter writes a softplus: with a
  /// bound as high as that both are the same numbers.
  private func softplus(_ node: ONNXNode) -> ONNXNode? {
    guard node.inputs.count == 3, let test = maker(node.inputs[0], "Greater"),
      test.inputs.count == 2, let bound = number(test.inputs[1]), bound >= Self.softplusBound
    else { return nil }
    let (input, scaled) = (node.inputs[1], test.inputs[0])
    var result = node.inputs[2]
    if scaled != input {
      guard let (factor, beta) = operands(scaled, "Mul"), factor == input,
        let (quotient, divisor) = operands(result, "Div"), let scale = number(beta), scale > 0,
        number(divisor) == scale
      else { return nil }
      result = quotient
    }
    guard maker(result, "Softplus")?.inputs == [scaled] else { return nil }
    return ONNXNode(
      name: node.name, operation: "Identity", inputs: [node.inputs[2]], outputs: node.outputs,
      attributes: [:])
  }

  /// `log(softmax(x))`.
  private func logSoftmax(_ node: ONNXNode) -> ONNXNode? {
    guard let input = node.inputs.first, let softmax = maker(input, "Softmax") else { return nil }
    return ONNXNode(
      name: node.name, operation: "LogSoftmax", inputs: softmax.inputs, outputs: node.outputs,
      attributes: softmax.attributes)
  }

  /// `x * 0.5 * (1 + erf(x / sqrt(2)))`, or the same by tanh, in any order of the factors.
  private func gelu(_ node: ONNXNode) -> ONNXNode? {
    let factors = factors(of: node, depth: 2)
    for (place, name) in factors.enumerated() {
      guard let (input, form) = gate(name) else { continue }
      var rest = factors
      rest.remove(at: place)
      guard rest.count == 2,
        let own = rest.firstIndex(where: { unrounded($0) == unrounded(input) }),
        !constants.contains(input), isNumber(rest[1 - own], 0.5)
      else { continue }
      var attributes: [String: ONNXAttribute] = ["approximate": .string(form)]
      if isRounded(name) { attributes[Self.isRounded] = .integer(1) }
      return ONNXNode(
        name: node.name, operation: "Gelu", inputs: [rest[own]], outputs: node.outputs,
        attributes: attributes)
    }
    return nil
  }

  /// Roundings after each other that are looked through.
  private static let roundingLimit = 16

  /// Operators that round numbers.
  private static let rounding: Set<String> = ["QuantizeLinear", "DequantizeLinear"]

  /// Returns the tensor of which another is made by nothing but pairs of QuantizeLinear and
  /// DequantizeLinear or by Cast.
  private func unrounded(_ name: String) -> String {
    var name = name
    for _ in 0..<Self.roundingLimit {
      guard let node = makers[name], let input = node.inputs.first, !constants.contains(name)
      else { return name }
      switch node.operation {
      case "Cast": name = input
      case "DequantizeLinear":
        guard let quantizer = maker(input, "QuantizeLinear"), let source = quantizer.inputs.first,
          quantizer.inputs.dropFirst() == node.inputs.dropFirst()
        else { return name }
        name = source
      default: return name
      }
    }
    return name
  }

  /// Whether the file rounds 1 + erf(…), or erf(…) itself.
  private func isRounded(_ name: String) -> Bool {
    let sum = unrounded(name)
    return sum != name || maker(sum, "Add")?.inputs.contains { unrounded($0) != $0 } == true
  }

  /// Returns the names of the factors of a product of three.
  private func factors(of node: ONNXNode, depth: Int) -> [String] {
    guard node.inputs.count == 2 else { return [] }
    for side in 0...1 {
      let (inner, other) = (node.inputs[side], node.inputs[1 - side])
      guard let product = maker(unrounded(inner), "Mul"), product.inputs.count == 2 else {
        continue
      }
      let three = product.inputs + [other]
      if three.contains(where: { gate($0) != nil }) { return three }
    }
    return []
  }

  /// Returns x of `1 + erf(x / sqrt(2))` or of its approximation.
  private func gate(_ name: String) -> (input: String, form: String)? {
    guard let (sum, one) = operands(unrounded(name), "Add"), isNumber(one, 1) else { return nil }
    let inner = unrounded(sum)
    if let error = maker(inner, "Erf"), let argument = error.inputs.first {
      let input = unrounded(argument)
      if let quotient = maker(input, "Div"), quotient.inputs.count == 2,
        isNumber(quotient.inputs[1], 2.squareRoot())
      {
        return (quotient.inputs[0], "none")
      }
      if let (x, factor) = operands(input, "Mul"), isNumber(factor, 0.5.squareRoot()) {
        return (x, "none")
      }
      return nil
    }
    guard let tanh = maker(inner, "Tanh"), let input = tanh.inputs.first,
      let (sum, root) = operands(unrounded(input), "Mul"),
      isNumber(root, (2 / Double.pi).squareRoot()),
      let total = maker(unrounded(sum), "Add"), total.inputs.count == 2
    else { return nil }
    for side in 0...1 {
      let x = total.inputs[side]
      guard let (cube, factor) = operands(unrounded(total.inputs[1 - side]), "Mul"),
        isNumber(factor, 0.044715), let power = maker(unrounded(cube), "Pow"),
        power.inputs.count == 2, unrounded(power.inputs[0]) == unrounded(x),
        isNumber(power.inputs[1], 3)
      else { continue }
      return (x, "tanh")
    }
    return nil
  }

  // MARK: - Normalisation

  /// `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)`.
  private func normalization(_ node: ONNXNode) -> ONNXNode? {
    guard node.inputs.count == 2, let (input, mean) = rest(node.inputs[0]),
      !constants.contains(input),
      let root = maker(node.inputs[1], "Sqrt"), let under = root.inputs.first,
      let (variance, given) = operands(under, "Add"), let epsilon = number(given), epsilon > 0,
      let average = maker(variance, "ReduceMean"), let square = average.inputs.first,
      average.attributes == mean.attributes, keepsDimensions(mean),
      case .integers(let axes) = mean.attributes["axes"]
    else { return nil }
    let base: String
    if let power = maker(square, "Pow"), power.inputs.count == 2, isNumber(power.inputs[1], 2) {
      base = power.inputs[0]
    } else if let product = maker(square, "Mul"), product.inputs.count == 2,
      product.inputs[0] == product.inputs[1]
    {
      base = product.inputs[0]
    } else {
      return nil
    }
    guard base == node.inputs[0] || rest(base).map({ $0 == (input, mean) }) == true else {
      return nil
    }
    return ONNXNode(
      name: node.name, operation: Self.normalization, inputs: [input], outputs: node.outputs,
      attributes: ["axes": .integers(axes), "epsilon": .number(Float(epsilon))])
  }

  /// Returns x and the node of its mean for `x - mean(x)`.
  private func rest(_ name: String) -> (input: String, mean: ONNXNode)? {
    guard let difference = maker(name, "Sub"), difference.inputs.count == 2,
      let mean = maker(difference.inputs[1], "ReduceMean"), mean.inputs.count == 1,
      mean.inputs[0] == difference.inputs[0]
    else { return nil }
    return (difference.inputs[0], mean)
  }

  private func keepsDimensions(_ node: ONNXNode) -> Bool {
    node.attributes["keepdims"] ?? .integer(1) == .integer(1)
  }

  // MARK: - Local response

  /// `x / (bias + alpha * mean)^beta` with the mean of the squares of neighbouring channels, which
  /// PyTorch's LocalResponseNorm takes in three dimensions: of the depths of one channel.
  private func localResponse(_ node: ONNXNode) -> ONNXNode? {
    guard node.inputs.count == 2, !constants.contains(node.inputs[0]),
      let power = maker(node.inputs[1], "Pow"), power.inputs.count == 2,
      let beta = number(power.inputs[1]),
      let (product, given) = operands(power.inputs[0], "Add"), let bias = number(given),
      let (means, factor) = operands(product, "Mul"), let alpha = number(factor),
      let squeeze = maker(means, "Squeeze"), squeezes(squeeze, axis: 1),
      let pool = maker(squeeze.inputs[0], "AveragePool"), let size = depth(of: pool),
      let pad = maker(pool.inputs[0], "Pad"), padsDepth(pad, by: (size - 1) / 2),
      let reshape = maker(pad.inputs[0], "Reshape"), reshape.inputs.count == 2,
      let sizes = integers(reshape.inputs[1]), sizes.count == 5, sizes[1] == 1,
      let square = maker(reshape.inputs[0], "Mul"),
      square.inputs == [node.inputs[0], node.inputs[0]]
    else { return nil }
    return ONNXNode(
      name: node.name, operation: Self.localResponse, inputs: [node.inputs[0]],
      outputs: node.outputs,
      attributes: [
        "size": .integer(size), "alpha": .number(Float(alpha)), "beta": .number(Float(beta)),
        "bias": .number(Float(bias)), "sizes": .integers(Array(sizes[2...])),
      ])
  }

  private func squeezes(_ node: ONNXNode, axis: Int64) -> Bool {
    if case .integers(let axes) = node.attributes["axes"] { return axes == [axis] }
    return node.inputs.count == 2 && integers(node.inputs[1]) == [axis]
  }

  /// Returns the odd number of depths that a pool of nothing else takes the mean of.
  private func depth(of pool: ONNXNode) -> Int64? {
    guard pool.inputs.count == 1, case .integers(let kernel) = pool.attributes["kernel_shape"],
      kernel.count == 3, kernel[1...] == [1, 1], kernel[0] > 0, !kernel[0].isMultiple(of: 2)
    else { return nil }
    let usual: [String: [ONNXAttribute]] = [
      "strides": [.integers([1, 1, 1])], "dilations": [.integers([1, 1, 1])],
      "pads": [.integers([0, 0, 0, 0, 0, 0])], "ceil_mode": [.integer(0)],
      "count_include_pad": [.integer(0), .integer(1)],
      "auto_pad": [.string("NOTSET"), .string("VALID")],
    ]
    let isUsual = pool.attributes.allSatisfy { name, value in
      name == "kernel_shape" || usual[name]?.contains(value) == true
    }
    return isUsual ? kernel[0] : nil
  }

  private func padsDepth(_ node: ONNXNode, by count: Int64) -> Bool {
    guard node.attributes["mode"] ?? .string("constant") == .string("constant"),
      node.inputs.count >= 2, integers(node.inputs[1]) == [0, 0, count, 0, 0, 0, 0, count, 0, 0]
    else { return false }
    return node.inputs.dropFirst(2).allSatisfy { $0.isEmpty || number($0) == 0 }
  }

  // MARK: - View

  /// `gather(reshape(x, [-1]), [[0, 1, …]])`, as PyTorch's newer exporter writes a view of a tensor with
  /// all numbers in their order (`as_strided`).
  ///
  /// The places are a constant, or are computed of the size of the batch.
  private func view(_ node: ONNXNode) -> ONNXNode? {
    guard node.inputs.count == 2, !constants.contains(node.inputs[0]),
      constants.contains(node.inputs[1]),
      node.attributes["axis"] ?? .integer(0) == .integer(0),
      let flat = maker(node.inputs[0], "Reshape"), flat.inputs.count == 2,
      integers(flat.inputs[1]) == [-1]
    else { return nil }
    return ONNXNode(
      name: node.name, operation: Self.view, inputs: [flat.inputs[0], node.inputs[1]],
      outputs: node.outputs, attributes: [:])
  }

  // MARK: - Pieces

  private func maker(_ name: String, _ operation: String) -> ONNXNode? {
    guard let node = makers[name], node.operation == operation else { return nil }
    return node
  }

  /// Returns the operands of a node of two, the constant last.
  private func operands(_ name: String, _ operation: String) -> (other: String, constant: String)? {
    guard let node = maker(name, operation), node.inputs.count == 2 else { return nil }
    let (a, b) = (node.inputs[0], node.inputs[1])
    return number(b) != nil ? (a, b) : (b, a)
  }

  private func isNumber(_ name: String, _ wanted: Double) -> Bool {
    guard let found = number(name) else { return false }
    // Files have it in single or half precision.
    return abs(found - wanted) <= 5e-4 * wanted
  }

  /// Returns the only number that a DequantizeLinear of a constant makes.
  private func dequantized(_ node: ONNXNode) -> Double? {
    guard node.inputs.count >= 2, let scale = number(node.inputs[1]),
      let value = integer(node.inputs[0])
    else { return nil }
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return Double(value) * scale }
    return integer(node.inputs[2]).map { Double(value - $0) * scale }
  }

  /// Returns the only number of a constant of bytes.
  private func integer(_ name: String) -> Int64? {
    guard let tensor = constant(name), [.int8, .uint8].contains(tensor.elementType),
      ONNXTensor.elementCount(tensor.shape, limit: 1) == 1,
      case .bytes(let bytes) = tensor.storage, bytes.count == 1,
      case .whole(let values) = DenseTensor(tensor.elementType, tensor.shape, bytes: bytes).numbers
    else { return nil }
    return values.first
  }

  private func constant(_ name: String) -> ONNXTensor? {
    if let found = model.initializers[name] { return found }
    guard case .tensor(let found) = maker(name, "Constant")?.attributes["value"] else { return nil }
    return found
  }

  /// Returns the numbers of a short list of integers.
  private func integers(_ name: String) -> [Int64]? {
    guard let tensor = constant(name), tensor.elementType == .int64, tensor.shape.count == 1,
      let count = ONNXTensor.elementCount(tensor.shape, limit: 2 * ONNXImportLimits.rank),
      case .bytes(let bytes) = tensor.storage, bytes.count == count * tensor.elementType.byteCount,
      case .whole(let values) = DenseTensor(tensor.elementType, tensor.shape, bytes: bytes).numbers
    else { return nil }
    return values
  }

  /// Returns the only number of a floating-point constant, or of one of integers with a scale.
  private func number(_ name: String) -> Double? {
    if let node = makers[name], constants.contains(name) {
      if node.operation == "Cast", let input = node.inputs.first { return number(input) }
      if node.operation == "DequantizeLinear" { return dequantized(node) }
    }
    guard let tensor = constant(name) else { return nil }
    guard tensor.elementType.isFloatingPoint, ONNXTensor.elementCount(tensor.shape, limit: 1) == 1,
      case .bytes(let bytes) = tensor.storage, bytes.count == tensor.elementType.byteCount
    else { return nil }
    return DenseTensor(tensor.elementType, tensor.shape, bytes: bytes).doubles.first
  }
}
