import Imaging
import ONNX
import ResNet

/// Translates an ONNX graph node by node; the extensions hold the operators by family.
///
/// It accepts the parts of classifiers of the residual family; anything else is an error that names
/// the node. The batch dimension is never part of the result: shapes in the file are taken at the
/// file's batch size, or at one if it is open.
struct ONNXImporter {
  typealias Operator =
    @Sendable (inout ONNXImporter, ONNXNode) throws(CheckpointError) ->
    ONNXImportedValue

  let model: ONNXModel
  /// The model's nodes, those that are an operator in parts as one.
  private let source: [ONNXNode]
  let tail: Tail
  let batchSize: Int
  /// Whether the file takes images as bytes.
  let takesBytes: Bool
  /// Whether the file leaves a side of the images open.
  let isSizeOpen: Bool
  private(set) var nodes: [Graph.Node] = []
  private(set) var shapes: [FeatureShape] = []
  /// For each node, bounds that its output lies within.
  private(set) var resultBounds: [Bounds] = []
  private(set) var weights = Weights()
  private var names: Set<String> = []
  private(set) var values: [String: ONNXImportedValue] = [:]
  /// Number of needed nodes that read each tensor.
  private(set) var readerCounts: [String: Int] = [:]
  private var isNeeded: [Bool] = []
  private(set) var narrowedCount = 0
  /// Nodes that round numbers to half precision where the file is run as it is: the first one's name
  /// and type, and how many there are.
  private(set) var roundings: (first: String, type: ONNXElementType, count: Int)?
  var foldedElementCount = 0
  /// Products without a bias that a single node reads, by name.
  var openProducts: [String: Graph.NodeID] = [:]
  /// Normalisations that a single node reads, by the name of their result.
  var openNormalizations: [String: Graph.NodeID] = [:]
  /// Facts from the nodes that quantise.
  var quantization = ONNXQuantizedParts()

  private let memory: LoadingMemory
  private let parameterByteLimit: Int
  let foldedElementLimit: Int
  let resultElementLimit: Int
  private var parameterByteCount = 0
  private var work = 0

  /// - Parameters:
  ///   - byteCount: Bytes of the file and of tensors outside it.
  ///   - images: What the contract makes, for what the file leaves open.
  init(
    _ model: ONNXModel, byteCount: Int, images: FeatureShape?, outputName: String?,
    memory: LoadingMemory
  ) throws(CheckpointError) {
    (self.model, self.memory) = (model, memory)
    source = ONNXPatterns(model, ONNXIntegerNodes(model.nodes).nodes).nodes()
    // Does not overflow: the reader accepts no more than 2 GiB of each.
    resultElementLimit = max(
      ONNXImportLimits.resultElementCount, byteCount / MemoryLayout<Float>.size)
    foldedElementLimit =
      ONNXImportLimits.foldedElementCount + byteCount * ONNXImportLimits.foldedShare
    parameterByteLimit =
      byteCount * ONNXImportLimits.sharing + ONNXImportLimits.sharedByteAllowance
    let external = model.initializers.values.filter(\.isExternal)
    if let tensor = external.min(by: { $0.name < $1.name }) { throw Self.external(tensor) }
    guard model.inputs.count == 1, let input = model.inputs.first else {
      throw .unsupported("\(model.inputs.count) inputs; a classifier has one, its images")
    }
    tail = try Tail(model, named: outputName)
    takesBytes = input.elementType == .uint8
    let shape: FeatureShape
    let order: ONNXOrder
    (batchSize, shape, order, isSizeOpen) = try Self.inputShape(input, images)
    try append(Graph.Node(name: "input", operation: .input(shape), inputs: []), shape)
    values[input.name] = order.value(0)
    for (name, tensor) in model.initializers { values[name] = .constant(tensor) }
    countReaders()
  }

  /// Counts the readers of each tensor, ignoring nodes that the output does not depend on.
  private mutating func countReaders() {
    isNeeded = [Bool](repeating: false, count: source.count)
    readerCounts[tail.tensor] = 1
    for (index, node) in source.enumerated().reversed()
    where node.outputs.contains(where: { readerCounts[$0] != nil }) {
      isNeeded[index] = true
      for name in node.inputs where !name.isEmpty { readerCounts[name, default: 0] += 1 }
    }
  }

  // MARK: - Walking

  private static let operators: [String: Operator] =
    [
      layerOperators, elementwiseOperators, arithmeticOperators, poolingOperators,
      reductionOperators, paddingOperators, channelOperators, rowOperators, classifierOperators,
      shapeOperators, normalizationOperators, resizeOperators, quantizationOperators,
    ]
    .reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }

  mutating func importNodes() throws(CheckpointError) {
    for (index, node) in source.enumerated() where isNeeded[index] {
      try refuseIntegers(node)
      guard Self.knows(node) else { throw unknownOperator(node) }
      for name in node.outputs.dropFirst()
      where readerCounts[name] != nil && node.operation != "Split" {
        throw fault(node, "its output \"\(Self.readable(name))\" is in use; only the first is read")
      }
      for case .logarithms in node.inputs.compactMap({ values[$0] })
      where !["Cast", "Identity", "QuantizeLinear"].contains(node.operation) {
        throw .unsupported(
          "node \"\(Self.readable(node.name))\" (\(Self.readable(node.operation))): an operation after the "
            + "LogSoftmax, which is read as the last one only; export the network up to its logits, the "
            + "LogSoftmax's input")
      }
      let value = try translated(node)
      noteQuantization(node, value)
      if let output = node.outputs.first, !output.isEmpty { values[output] = value }
    }
  }

  private mutating func translated(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    if node.domain.isEmpty, let constant = try fold(node) { return constant }
    guard let body = Self.operators[node.operation] else { throw unknownOperator(node) }
    return try body(&self, node)
  }

  /// Returns whether the operator is known; ONNX Runtime's own quantising ones are ONNX's with more
  /// types.
  private static func knows(_ node: ONNXNode) -> Bool {
    switch node.domain {
    case "": operators[node.operation] != nil || foldable.contains(node.operation)
    case "com.microsoft": quantizationOperators[node.operation] != nil
    default: false
    }
  }

  private func unknownOperator(_ node: ONNXNode) -> CheckpointError {
    let domain = node.domain.isEmpty ? "" : node.domain + "."
    let what =
      "operator \(Self.readable(domain + node.operation)) of node \"\(Self.readable(node.name))\""
    if node.domain.hasPrefix("com.microsoft") {
      return .unsupported(
        "\(what): ONNX Runtime writes it into a file that it has optimised; give the file from before "
          + "that, or optimise it anew with GraphOptimizationLevel.ORT_ENABLE_BASIC, which keeps to "
          + "ONNX's operators")
    }
    if node.operation == "Erf", model.nodes.contains(where: { $0.operation == "QuantizeLinear" }) {
      return .unsupported(
        "\(what), a part of a GELU that is not recognised between the QuantizeLinear around it; "
          + "quantise without such parts (quantize_static with op_types_to_quantize=[\"Conv\", \"Gemm\", "
          + "\"MatMul\"]), or give the file in floating point, of which resnetd quantize makes int8"
      )
    }
    return .unreadNode(what)
  }

  // MARK: - For the operators

  func fault(_ node: ONNXNode, _ reason: String) -> CheckpointError {
    .unreadNode(
      "node \"\(Self.readable(node.name))\" (\(Self.readable(node.operation))): \(reason)")
  }

  /// Returns a name from the file, without anything that would disturb a terminal or a log.
  static func readable(_ name: String) -> String {
    let bytes = name.utf8.prefix(ONNXImportLimits.nameByteCount)
    return String(
      decoding: bytes.map { 0x20...0x7e ~= $0 ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
  }

  /// Sets an output of an operator that has several; the first is its result.
  mutating func setValue(_ value: ONNXImportedValue, of output: String) { values[output] = value }

  /// Returns an input, or nil for an optional one that is missing.
  func value(_ index: Int, of node: ONNXNode) -> ONNXImportedValue? {
    index < node.inputs.count ? values[node.inputs[index]] : nil
  }

  func isConstant(_ name: String) -> Bool {
    switch values[name] {
    case .constant, .dequantized: return true
    default: return false
    }
  }

  /// Returns the node that computes a feature map `[N, C, H, W]`.
  mutating func features(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    switch value(index, of: node) {
    case .features(let id): return id
    case .strided(let id, let stride): return try materialize(id, stride, node)
    case .padded(let id, let padding, isLowest: false):
      return try materialize(id, padding, node)
    case .padded: throw fault(node, "padding with the lowest number, which only MaxPool takes")
    case .expanded(let id, let arrangement, let sizes):
      let map = try repeated(id, arrangement, sizes, index, node)
      values[node.inputs[index]] = .features(map)
      return map
    case .arranged(let id, let arrangement):
      if let map = try depthToSpace(id, arrangement, "\(node.name).blocks", node) {
        values[node.inputs[index]] = .features(map)
        return map
      }
      throw fault(
        node,
        "input \(index) is not a feature map [N, C, H, W] but one whose channels or pixels are parted"
      )
    default: throw fault(node, "input \(index) is not a feature map [N, C, H, W]")
    }
  }

  /// Returns the node that computes an input, which may be in any order.
  mutating func operand(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, ONNXOrder) {
    let value = value(index, of: node)
    if let output = value?.output { return output }
    switch value {
    case .strided, .padded, .arranged, .expanded:
      return (try features(index, of: node), .channelsFirst)
    default: throw fault(node, "input \(index) is not a feature map")
    }
  }

  func flat(_ index: Int, of node: ONNXNode) throws(CheckpointError) -> Graph.NodeID {
    guard case .flat(let id) = value(index, of: node) else {
      throw fault(node, "input \(index) is not [N, K]")
    }
    return id
  }

  /// Adds a node with a unique name made from `name`.
  mutating func append(
    _ name: String, _ operation: Operation, _ inputs: [Graph.NodeID], for node: ONNXNode,
    _ parameters: [(suffix: String, tensor: Tensor)] = []
  ) throws(CheckpointError) -> Graph.NodeID {
    let name = unusedName(name)
    let made = Graph.Node(name: name, operation: operation, inputs: inputs)
    let output: FeatureShape
    do { output = try Graph.checkedShape(of: made, inputs: inputs.map { shapes[$0] }) } catch {
      throw fault(node, error.description)
    }
    try append(made, output)
    // Nothing overflows: a map has at most 2^28 numbers, a window 2^32, a file's tensors fewer than
    // 2^31, and the sum stops.
    for parameter in parameters { work += parameter.tensor.elementCount * output.pixelCount }
    work += output.elementCount * (ONNXImportLimits.numberWork + operation.windowNumberCount)
    guard work <= ONNXImportLimits.work else {
      throw .overLimit(
        what: "multiply-adds of the graph", value: work, limit: ONNXImportLimits.work)
    }
    for parameter in parameters {
      let full = "\(name).\(parameter.suffix)"
      if let reason = WeightReader.fault(
        in: parameter.tensor, isVariance: parameter.suffix == "running_var")
      {
        throw fault(node, "\(parameter.suffix): \(reason)")
      }
      weights[full] = parameter.tensor
    }
    return nodes.count - 1
  }

  /// Gives a linear layer the bias that it lacks.
  mutating func addBias(
    _ bias: Tensor, to id: Graph.NodeID, _ node: ONNXNode
  ) throws(CheckpointError) {
    guard case .linear(var linear) = nodes[id].operation, !linear.hasBias else {
      preconditionFailure("a linear layer without a bias")
    }
    if let reason = WeightReader.fault(in: bias, isVariance: false) { throw fault(node, reason) }
    linear.hasBias = true
    quantization.ranges[id] = nil
    nodes[id].operation = .linear(linear)
    weights["\(nodes[id].name).bias"] = bias
  }

  /// Scales a normalisation's result by `scale` and shifts it by `shift`, each `[C]`.
  mutating func rescale(
    _ id: Graph.NodeID, scale: [Float], shift: [Float], _ node: ONNXNode
  ) throws(CheckpointError) {
    let name = nodes[id].name
    guard let weight = weights["\(name).weight"]?.values, let bias = weights["\(name).bias"]?.values
    else { preconditionFailure("a normalisation") }
    let channels = weight.indices
    let scaled = channels.map { weight[$0] * scale[$0] }
    let moved = channels.map { Float(Double(bias[$0]) * Double(scale[$0]) + Double(shift[$0])) }
    for (suffix, values) in [("weight", scaled), ("bias", moved)] {
      let tensor = Tensor(shape: [values.count], storage: values)
      if let reason = WeightReader.fault(in: tensor, isVariance: false) {
        throw fault(node, reason)
      }
      weights["\(name).\(suffix)"] = tensor
    }
  }

  private mutating func append(
    _ node: Graph.Node, _ shape: FeatureShape
  ) throws(CheckpointError) {
    shapes.append(shape)
    resultBounds.append(
      Graph.bounds(of: node.operation, inputs: node.inputs.map { resultBounds[$0] }))
    nodes.append(node)
    names.insert(node.name)
    guard nodes.count <= ONNXImportLimits.nodeCount else {
      throw .overLimit(
        what: "nodes of the graph", value: nodes.count, limit: ONNXImportLimits.nodeCount)
    }
  }

  /// Counts a parameter; to be called before its numbers are taken.
  mutating func countParameter(_ elementCount: Int) throws(CheckpointError) {
    parameterByteCount += elementCount * MemoryLayout<Float>.size
    guard parameterByteCount <= parameterByteLimit else {
      throw .overLimit(
        what: "bytes of parameters, those that nodes share counted for each",
        value: parameterByteCount, limit: parameterByteLimit)
    }
    try memory.take(elementCount * MemoryLayout<Float>.size)
  }

  private func unusedName(_ name: String) -> String {
    let name = Self.readable(name)
    guard name.isEmpty || names.contains(name) else { return name }
    // A node's number is unique.
    var unused = "\(name)#\(nodes.count)"
    while names.contains(unused) { unused += "'" }
    return unused
  }

  mutating func noteNarrowing() { narrowedCount += 1 }

  mutating func noteRounding(_ node: ONNXNode, to type: ONNXElementType) {
    guard let first = roundings else {
      roundings = (Self.readable(node.name), type, 1)
      return
    }
    roundings = (first.first, first.type, first.count + 1)
  }
}
