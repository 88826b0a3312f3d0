import ONNX
import ResNet

/// Functions without learned parameters. What the operator set has no operator for is written as
/// exporters do, in a form that the importer knows as one.
extension ONNXExporter {
  mutating func append(_ function: Elementwise, _ node: Graph.Node, _ input: String) {
    switch function {
    case .sigmoid: add("Sigmoid", node, [input])
    case .hardSigmoid(let alpha, let beta):
      add("HardSigmoid", node, [input], ["alpha": .number(alpha), "beta": .number(beta)])
    case .clip(let minimum, let maximum):
      add(
        "Clip", node,
        [input, bound(minimum, "minimum", node), bound(maximum, "maximum", node)])
    case .leakyRelu(let slope): add("LeakyRelu", node, [input], ["alpha": .number(slope)])
    case .elu(let alpha): add("Elu", node, [input], ["alpha": .number(alpha)])
    case .gelu:
      let scaled = step(
        "Div", node, "scaled", [input, number(Float(2).squareRoot(), "root", node)])
      let error = step("Erf", node, "erf", [scaled])
      let sum = step("Add", node, "sum", [error, number(1, "one", node)])
      let product = step("Mul", node, "product", [input, sum])
      add("Mul", node, [product, number(0.5, "half", node)])
    case .tanhGelu:
      let cube = step("Pow", node, "cube", [input, number(3, "three", node)])
      let small = step("Mul", node, "small", [cube, number(0.044715, "factor", node)])
      let sum = step("Add", node, "sum", [input, small])
      let factor = Float((2 / Double.pi).squareRoot())
      let scaled = step("Mul", node, "scaled", [sum, number(factor, "root", node)])
      let tanh = step("Tanh", node, "tanh", [scaled])
      let more = step("Add", node, "more", [tanh, number(1, "one", node)])
      let product = step("Mul", node, "product", [input, more])
      add("Mul", node, [product, number(0.5, "half", node)])
    case .tanh: add("Tanh", node, [input])
    case .softplus: add("Softplus", node, [input])
    case .exponential: add("Exp", node, [input])
    case .logarithm: add("Log", node, [input])
    case .squareRoot: add("Sqrt", node, [input])
    case .power(let exponent): add("Pow", node, [input, number(exponent, "exponent", node)])
    }
  }

  mutating func append(
    _ normalization: SampleNormalization, _ node: Graph.Node, _ input: String,
    _ shape: FeatureShape
  ) {
    switch normalization.scope {
    case .channels:
      let axis = ["axes": ONNXAttribute.integers([1])]
      let mean = step("ReduceMean", node, "mean", [input], axis)
      let rest = step("Sub", node, "rest", [input, mean])
      let square = step("Mul", node, "square", [rest, rest])
      let variance = step("ReduceMean", node, "variance", [square], axis)
      let positive = step(
        "Add", node, "positive", [variance, number(normalization.epsilon, "epsilon", node)])
      let deviation = step("Sqrt", node, "deviation", [positive])
      add("Div", node, [rest, deviation])
    case .groups(let groups):
      let parameters = [
        constant(
          "\(node.name).ones", shape: [groups], [Float](repeating: 1, count: groups)),
        constant(
          "\(node.name).zeros", shape: [groups], [Float](repeating: 0, count: groups)),
      ]
      let epsilon = ["epsilon": ONNXAttribute.number(normalization.epsilon)]
      guard groups != shape.channels else {
        return add("InstanceNormalization", node, [input] + parameters, epsilon)
      }
      let sizes = constant("\(node.name).groups", [0, Int64(groups), -1])
      let grouped = step("Reshape", node, "grouped", [input, sizes])
      let normal = "\(node.name).normal"
      add("InstanceNormalization", node.name, [grouped] + parameters, normal, epsilon)
      reshape(normal, to: shape, node)
    }
  }

  mutating func append(
    softmaxOver size: Int, _ node: Graph.Node, _ input: String, _ shape: FeatureShape
  ) {
    guard size != shape.channels else {
      return add("Softmax", node, [input], ["axis": .integer(1)])
    }
    let sizes = constant(
      "\(node.name).groups", [0, Int64(shape.channels / size), Int64(size), -1])
    let grouped = step("Reshape", node, "grouped", [input, sizes])
    let softmax = "\(node.name).softmax"
    add("Softmax", node.name, [grouped], softmax, ["axis": .integer(2)])
    reshape(softmax, to: shape, node)
  }

  mutating func append(
    _ resizing: Resizing, _ node: Graph.Node, _ input: String, _ shape: FeatureShape
  ) throws(CheckpointError) {
    let scales = [
      Float(resizing.height) / Float(shape.height), Float(resizing.width) / Float(shape.width),
    ]
    // Readers cut the product of size and scale to a whole number.
    guard Int(Float(shape.height) * scales[0]) == resizing.height,
      Int(Float(shape.width) * scales[1]) == resizing.width
    else {
      throw .unsupported(
        "node \"\(node.name)\": \(resizing.height)x\(resizing.width) is no multiple of \(shape) "
          + "in single precision")
    }
    let factors = constant("\(node.name).scales", shape: [4], [1, 1] + scales)
    add(
      "Resize", node, [input, "", factors],
      ["mode": .string(resizing.method == .linear ? "linear" : "nearest")])
  }

  /// Parts the channels, puts their parts between those of the pixels and joins them, because
  /// DepthToSpace has square blocks alone.
  mutating func append(
    blocks block: Extent, _ node: Graph.Node, _ input: String, _ shape: FeatureShape,
    _ result: FeatureShape
  ) {
    let sizes = [0, block.height, block.width, result.channels, shape.height, shape.width]
    let parts = constant("\(node.name).parts", sizes.map(Int64.init))
    let parted = step("Reshape", node, "parted", [input, parts])
    let turned = step(
      "Transpose", node, "turned", [parted], ["perm": .integers([0, 3, 4, 1, 5, 2])])
    let whole = [0, result.channels, result.height, result.width].map(Int64.init)
    add("Reshape", node, [turned, constant("\(node.name).shape", whole)])
  }

  // MARK: - Pieces

  /// Adds a node that another one of the same graph's node reads, and returns its result's name.
  private mutating func step(
    _ operation: String, _ node: Graph.Node, _ part: String, _ inputs: [String],
    _ attributes: [String: ONNXAttribute] = [:]
  ) -> String {
    let result = "\(node.name).\(part)"
    add(operation, result, inputs, result, attributes)
    return result
  }

  private mutating func number(_ value: Float, _ kind: String, _ node: Graph.Node) -> String {
    constant("\(node.name).\(kind)", shape: [], [value])
  }

  /// Adds a single number and returns its name; an absent input stands for an infinite one.
  private mutating func bound(_ value: Float, _ kind: String, _ node: Graph.Node) -> String {
    value.isFinite ? number(value, kind, node) : ""
  }

  /// Gives a result the dimensions of a map again, as the output of the graph's node.
  private mutating func reshape(_ result: String, to shape: FeatureShape, _ node: Graph.Node) {
    let sizes = constant(
      "\(node.name).shape", [0, Int64(shape.channels), Int64(shape.height), Int64(shape.width)])
    add("Reshape", "\(node.name).reshape", [result, sizes], "\(node.name).output")
  }
}
