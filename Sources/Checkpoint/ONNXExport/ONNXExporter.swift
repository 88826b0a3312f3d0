import ONNX
import ResNet

/// Translates a graph into ONNX nodes that the importer makes the same graph of.
///
/// The operators are those of `ONNXWriter.opset`. A node's output is `NAME.output`, `[N, C, H, W]`,
/// the network's is `logits`, `[N, classes]`; parameters have the names of the weights. Names of
/// tensors end in their kind, so no two are the same.
struct ONNXExporter {
  static let inputName = "input"
  static let outputName = "logits"

  private let graph: Graph
  private let shapes: [FeatureShape]
  private(set) var nodes: [ONNXNode] = []
  /// Small tensors that operators read, such as axes and bounds.
  private(set) var constants: [ONNXTensor] = []

  init(_ graph: Graph) throws(CheckpointError) {
    self.graph = graph
    do { shapes = try graph.shapes() } catch { throw .unsupported(error.description) }
    for (id, node) in graph.nodes.enumerated().dropFirst() { try append(node, id) }
    if case .linear = graph.nodes[graph.output].operation { return }
    let last = graph.nodes[graph.output].name
    add("Flatten", "\(last).flatten", [output(graph.output)], Self.outputName)
  }

  /// Returns the name of the tensor that holds a node's output.
  private func output(_ id: Graph.NodeID) -> String {
    id == 0 ? Self.inputName : graph.nodes[id].name + ".output"
  }

  private mutating func append(_ node: Graph.Node, _ id: Graph.NodeID) throws(CheckpointError) {
    let inputs = node.inputs.map { output($0) }
    switch node.operation {
    case .input: throw .unsupported("node \"\(node.name)\": a second input")
    case .convolution(let convolution): try append(convolution, node, inputs)
    case .batchNormalization(let normalization):
      let parameters = ["weight", "bias", "running_mean", "running_var"].map {
        "\(node.name).\($0)"
      }
      add(
        "BatchNormalization", node, inputs + parameters, ["epsilon": .number(normalization.epsilon)]
      )
    case .relu: add("Relu", node, inputs)
    case .elementwise(let function): append(function, node, inputs[0])
    case .add: add("Add", node, inputs)
    case .multiply: add("Mul", node, inputs)
    case .combine(.subtract): add("Sub", node, inputs)
    case .combine(.divide): add("Div", node, inputs)
    case .combine(.minimum): add("Min", node, inputs)
    case .combine(.maximum): add("Max", node, inputs)
    case .normalization(let normalization):
      append(normalization, node, inputs[0], shapes[node.inputs[0]])
    case .softmax(let size): append(softmaxOver: size, node, inputs[0], shapes[node.inputs[0]])
    case .resize(let resizing):
      try append(resizing, node, inputs[0], shapes[node.inputs[0]])
    case .depthToSpace(let block):
      append(blocks: block, node, inputs[0], shapes[node.inputs[0]], shapes[id])
    case .maxPool(let pooling): add("MaxPool", node, inputs, Self.attributes(pooling))
    case .averagePool(let pooling):
      var attributes = Self.attributes(pooling)
      attributes["count_include_pad"] = .integer(pooling.countsPadding ? 1 : 0)
      add("AveragePool", node, inputs, attributes)
    case .pad(let padding):
      let sides = [padding.before, padding.after].flatMap { [0, 0, $0.height, $0.width] }
      add("Pad", node, inputs + [constant("\(node.name).pads", sides.map(Int64.init))])
    case .border(_, .wrap):
      throw .unsupported(
        "padding by the opposite edge (\(node.name)), which ONNX has from operator set 19 on, and set "
          + "\(ONNXWriter.opset) is written; convert it to a safetensors file")
    case .border(let padding, let border):
      let sides = [padding.before, padding.after].flatMap { [0, 0, $0.height, $0.width] }
      add(
        "Pad", node, inputs + [constant("\(node.name).pads", sides.map(Int64.init))],
        ["mode": .string(border.rawValue)])
    case .concatenation: add("Concat", node, inputs, ["axis": .integer(1)])
    case .globalAveragePool: add("GlobalAveragePool", node, inputs)
    case .paddedShortcut(let shortcut): append(shortcut, node, inputs[0])
    case .linear(let linear): append(linear, node, inputs[0], isOutput: id == graph.output)
    }
  }

  private mutating func append(
    _ convolution: Convolution, _ node: Graph.Node, _ inputs: [String]
  ) throws(CheckpointError) {
    guard convolution.foldedNormalization == nil, !convolution.hasFusedOperations else {
      throw .unsupported("node \"\(node.name)\": fused operations")
    }
    let parameters = ["weight"] + (convolution.hasBias ? ["bias"] : [])
    add(
      "Conv", node, inputs + parameters.map { "\(node.name).\($0)" },
      [
        "kernel_shape": Self.pair(convolution.kernel), "strides": Self.pair(convolution.stride),
        "pads": Self.pads(convolution.padding), "dilations": Self.pair(convolution.dilation),
        "group": .integer(Int64(convolution.groups)),
      ])
  }

  /// Picks every so many pixels, and puts zero channels around them.
  private mutating func append(
    _ shortcut: PaddedShortcut, _ node: Graph.Node, _ input: String
  ) {
    var input = input
    if shortcut.stride > 1 {
      let bounds = [
        constant("\(node.name).starts", [0, 0]), constant("\(node.name).ends", [.max, .max]),
        constant("\(node.name).axes", [2, 3]),
        constant("\(node.name).steps", [Int64](repeating: Int64(shortcut.stride), count: 2)),
      ]
      add("Slice", "\(node.name).slice", [input] + bounds, "\(node.name).sliced")
      input = "\(node.name).sliced"
    }
    let leading = Int64(shortcut.leadingZeroChannels)
    let trailing = Int64(shortcut.channels - shapes[node.inputs[0]].channels) - leading
    add(
      "Pad", node, [input, constant("\(node.name).pads", [0, leading, 0, 0, 0, trailing, 0, 0])])
  }

  /// Flattens and multiplies, and makes it a feature map again unless it is the network's output.
  private mutating func append(
    _ linear: Linear, _ node: Graph.Node, _ input: String, isOutput: Bool
  ) {
    add("Flatten", "\(node.name).flatten", [input], "\(node.name).flat")
    let parameters = ["weight"] + (linear.hasBias ? ["bias"] : [])
    let product = isOutput ? Self.outputName : "\(node.name).product"
    add(
      "Gemm", node.name, ["\(node.name).flat"] + parameters.map { "\(node.name).\($0)" }, product,
      ["transB": .integer(1)])
    guard !isOutput else { return }
    let axes = constant("\(node.name).axes", [2, 3])
    add("Unsqueeze", "\(node.name).unsqueeze", [product, axes], "\(node.name).output")
  }

  // MARK: - Pieces

  /// Adds the node whose output is that of the graph's node, under its name.
  mutating func add(
    _ operation: String, _ node: Graph.Node, _ inputs: [String],
    _ attributes: [String: ONNXAttribute] = [:]
  ) {
    add(operation, node.name, inputs, "\(node.name).output", attributes)
  }

  mutating func add(
    _ operation: String, _ name: String, _ inputs: [String], _ output: String,
    _ attributes: [String: ONNXAttribute] = [:]
  ) {
    nodes.append(
      ONNXNode(
        name: name, operation: operation, inputs: inputs, outputs: [output], attributes: attributes)
    )
  }

  /// Adds a list of whole numbers and returns its name.
  mutating func constant(_ name: String, _ values: [Int64]) -> String {
    let tensor = DenseTensor(.int64, [values.count], values)
    constants.append(
      ONNXTensor(
        name: name, elementType: .int64, shape: [values.count], storage: .bytes(tensor.bytes)))
    return name
  }

  /// Adds numbers and returns their name.
  mutating func constant(_ name: String, shape: [Int], _ values: [Float]) -> String {
    let tensor = DenseTensor(.float, shape, values.map(Double.init))
    constants.append(
      ONNXTensor(name: name, elementType: .float, shape: shape, storage: .bytes(tensor.bytes)))
    return name
  }

  private static func attributes(_ pooling: Pooling) -> [String: ONNXAttribute] {
    [
      "kernel_shape": pair(pooling.window), "strides": pair(pooling.stride),
      "pads": pads(pooling.padding),
    ]
  }

  private static func pair(_ extent: Extent) -> ONNXAttribute {
    .integers([Int64(extent.height), Int64(extent.width)])
  }

  /// Returns top, left, bottom and right.
  private static func pads(_ padding: Padding) -> ONNXAttribute {
    .integers(
      [padding.before, padding.after].flatMap { [Int64($0.height), Int64($0.width)] })
  }
}
