import ONNX
import ResNet

/// Graphs with pairs of QuantizeLinear and DequantizeLinear.
///
/// Integer constants become the numbers that they represent, and a pair on a result becomes its
/// range and the clip that its integers are. So the network is the file's in any precision, but for
/// the rounding, and int8 has its scales.
extension ONNXImporter {
  static let quantizationOperators: [String: Operator] = [
    "QuantizeLinear": { importer, node throws(CheckpointError) in try importer.quantize(node) },
    "DequantizeLinear": { importer, node throws(CheckpointError) in
      try importer.dequantize(node)
    },
  ]

  /// Operators on integers, of ONNX and ONNX Runtime, that `ONNXIntegerNodes` does not write
  /// otherwise, apart from those named after QLinear.
  private static let integerOperators: Set<String> = [
    "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "QGemm", "QAttention",
    "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits",
  ]

  /// Rejects operators that compute on integers by themselves, and others that read integers.
  func refuseIntegers(_ node: ONNXNode) throws(CheckpointError) {
    if node.operation.hasPrefix("QLinear") || Self.integerOperators.contains(node.operation) {
      throw .unsupported(
        "operator \(Self.readable(node.operation)) of node \"\(Self.readable(node.name))\": this operator "
          + "on integers is not read; quantise the network by quantize_static with pairs of "
          + "QuantizeLinear and DequantizeLinear (QuantFormat.QDQ)")
    }
    guard node.operation != "DequantizeLinear" else { return }
    for (index, name) in node.inputs.enumerated() {
      if case .quantized = values[name] {
        throw fault(node, "input \(index) is quantised; only DequantizeLinear may follow that")
      }
    }
  }

  /// Records which weights are integers, and which layers have others.
  mutating func noteQuantization(_ node: ONNXNode, _ value: ONNXImportedValue) {
    switch value {
    case .dequantized:
      quantization.constants.formUnion(node.outputs.prefix(1))
    case .constant where node.inputs.contains(where: quantization.constants.contains):
      quantization.constants.formUnion(node.outputs.prefix(1))
    default:
      guard let (id, _) = value.output, ["Conv", "Gemm", "MatMul"].contains(node.operation),
        node.inputs.count > 1
      else { return }
      if quantization.constants.contains(node.inputs[1]) {
        quantization.integerLayerCount += 1
      } else {
        quantization.floatingPointLayers.insert(id)
      }
    }
  }

  /// Returns the ranges of a graph whose weights are quantised, or nil if it has none.
  func calibration(of graph: Graph) -> Calibration? {
    guard quantization.integerLayerCount > 0 else { return nil }
    let kept = Set(graph.nodes.lazy.map(\.name))
    var ranges: [String: Float] = [:]
    for (id, range) in quantization.ranges where kept.contains(nodes[id].name) {
      ranges[nodes[id].name] = range
    }
    guard !ranges.isEmpty else { return nil }
    let layers = quantization.floatingPointLayers.lazy.map { nodes[$0].name }
    let producer = model.producer.isEmpty ? "" : " (\(Self.readable(model.producer)))"
    return Calibration(
      method: "from the file's QuantizeLinear nodes\(producer)", ranges: ranges,
      floatingPoint: kept.intersection(layers),
      inputZeroPoint: quantization.inputZeroPoint == 0 ? nil : quantization.inputZeroPoint)
  }

  // MARK: - Operators

  private mutating func quantize(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    switch value(0, of: node) {
    case .constant, .dequantized: return try quantizedConstant(node)
    case .expanded(let id, let arrangement, let sizes):
      return try quantized(id, node) { .expanded($0, arrangement, to: sizes) }
    case .flat(let id):
      // A rectifier that the file has left out comes before what is added.
      let isOpen = try perTensor(node).bounds.lower < 0 && keepOpen(node, id)
      return try quantized(id, node, isClipped: !isOpen) { .flat($0) }
    // Picked or padded pixels become a node later, which has a pair of its own.
    case .strided(let id, let stride):
      return try quantized(id, node, isNoted: false) { .strided($0, stride) }
    case .padded(let id, let padding, let isLowest):
      return try quantized(id, node, isNoted: false) { .padded($0, padding, isLowest: isLowest) }
    case .logarithms(let id):
      let quantization = try perTensor(node)
      noteUnclipped(node, quantization)
      return .quantized(.logarithms(id), quantization)
    case .arranged(let id, let arrangement):
      return try quantized(id, node) { .arranged($0, arrangement) }
    case .features, .channelsLast, .sequence, .row, .quantized, nil:
      guard let (id, order) = value(0, of: node)?.output else {
        throw fault(node, "input 0 is missing")
      }
      return try quantized(id, node, order.value)
    }
  }

  /// Quantises a node's output.
  ///
  /// - Parameters:
  ///   - isNoted: Whether the range is that of the output.
  ///   - isClipped: Whether numbers that no integer stands for are clipped.
  private mutating func quantized(
    _ id: Graph.NodeID, _ node: ONNXNode, isNoted: Bool = true, isClipped: Bool = true,
    _ value: (Graph.NodeID) -> ONNXImportedValue
  ) throws(CheckpointError) -> ONNXImportedValue {
    let quantization = try perTensor(node)
    var output = id
    if isClipped {
      output = try clipped(id, to: quantization, node)
    } else {
      noteUnclipped(node, quantization)
    }
    if isNoted {
      if id == 0 { note(quantization, on: id) }
      if output > 0 { note(quantization, on: output) }
    }
    return .quantized(value(output), quantization)
  }

  private mutating func dequantize(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    switch value(0, of: node) {
    case .constant(let tensor):
      guard [.int8, .uint8, .int32].contains(tensor.elementType),
        case .bytes(let bytes) = tensor.storage,
        let count = ONNXTensor.elementCount(tensor.shape, limit: bytes.count), count > 0,
        bytes.count == count * tensor.elementType.byteCount
      else {
        guard [.int8, .uint8, .int32].contains(tensor.elementType) else {
          throw .unsupported(
            "node \"\(Self.readable(node.name))\" (\(Self.readable(node.operation))): integers of type "
              + "\(tensor.elementType); \(Self.byteRemedy)")
        }
        throw fault(node, "integers of shape \(tensor.shape.prefix(8))")
      }
      return .dequantized(
        tensor, try quantization(of: node, tensor.elementType, shape: tensor.shape))
    case .quantized(let value, let known):
      let own = try quantization(of: node, known.elementType, shape: nil)
      guard own == known else {
        throw fault(node, "another scale or zero point than that of the QuantizeLinear before it")
      }
      if case .flat(let id) = value { _ = keepOpen(node, id) }
      return value
    case .features(0) where takesBytes, .channelsLast(0) where takesBytes:
      let quantization = try quantization(of: node, .uint8, shape: nil)
      let (scale, zero) = (quantization.scales[0], Float(quantization.zeros[0]))
      let channels = shapes[0].channels
      let (input, value) = try anyOperand(0, of: node)
      return value(
        try normalize(
          input, scale: [Float](repeating: scale, count: channels),
          shift: [Float](repeating: -zero * scale, count: channels), node))
    default: throw fault(node, "input 0 is not quantised")
    }
  }

  /// Dequantises weights that the file quantises itself.
  private mutating func quantizedConstant(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let numbers = try neededParameter(0, of: node)
    let type = try integerType(of: node)
    let quantization = try quantization(of: node, type, shape: numbers.shape)
    return .constant(
      ONNXTensor(
        name: node.outputs.first ?? "", elementType: type, shape: numbers.shape,
        storage: .bytes(quantization.bytes(of: numbers.values, shape: numbers.shape))))
  }

  /// Keeps a sum of products open for its bias across a pair, and tells whether it is.
  private mutating func keepOpen(_ node: ONNXNode, _ id: Graph.NodeID) -> Bool {
    guard let open = openProducts.removeValue(forKey: node.inputs[0]), open == id,
      let output = node.outputs.first, readerCounts[output] == 1
    else { return false }
    openProducts[output] = id
    return true
  }

  // MARK: - Results

  /// Adds a clip to the numbers that integers stand for, unless all results are among them but for
  /// rounding. ONNX Runtime's tools leave activations to it: ReLU where zero is the lowest integer,
  /// ReLU6 and others by their bounds.
  private mutating func clipped(
    _ id: Graph.NodeID, to quantization: ONNXQuantization, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    var bounds = quantization.bounds
    guard !resultBounds[id].areWithin(bounds, tolerance: quantization.scales[0] / 2) else {
      return id
    }
    if resultBounds[id].isNonnegative { bounds.lower = 0 }
    let clip = try append(
      node.name, .elementwise(.clip(minimum: bounds.lower, maximum: bounds.upper)), [id], for: node)
    // A rectifier that the file has left out is a part of the network, wherever it stands.
    if bounds.lower < 0 || resultBounds[id].isNonnegative {
      self.quantization.clips[clip] = node.name
    }
    return clip
  }

  /// Records that numbers which no integer stands for stay as they are.
  mutating func noteUnclipped(_ node: ONNXNode, _ quantization: ONNXQuantization) {
    noteUnclipped(node.name, quantization.bounds)
  }

  private mutating func noteUnclipped(_ name: String, _ bounds: Bounds) {
    quantization.unclipped.append((Self.readable(name), bounds))
  }

  /// Returns the node whose output is clipped to the file's integers last, which an answer does
  /// without: a bound of logits or of probabilities is no part of their meaning.
  mutating func beforeClips(_ output: Graph.NodeID) -> Graph.NodeID {
    var output = output
    while let name = quantization.clips[output], let bounds = nodes[output].operation.clippingBounds
    {
      noteUnclipped(name, bounds)
      output = nodes[output].inputs[0]
    }
    return output
  }

  /// Warning of clips that are left out, if there are any.
  var clipWarning: String? {
    guard let (first, bounds) = quantization.unclipped.first else { return nil }
    let count = quantization.unclipped.count
    let nodes = "QuantizeLinear, node \"\(first)\"" + (count > 1 ? " and \(count - 1) more" : "")
    return
      "the file clips outputs, or sums before their bias, to its integers (\(nodes): from \(bounds.lower) to "
      + "\(bounds.upper)), which is left out: numbers beyond stay as they are"
  }

  /// Records the range of a result.
  ///
  /// The input, and results that are never below zero, keep the file's steps, of which the file may
  /// use fewer than 255. Other results are symmetric here: the range is that of the file's longer
  /// side.
  private mutating func note(_ quantized: ONNXQuantization, on id: Graph.NodeID) {
    let levels = quantized.levels
    if id == 0 {
      quantization.inputZeroPoint = 127 - levels.upperBound
      quantization.ranges[id] = Float(levels.upperBound) * quantized.scales[0]
      return
    }
    // The lowest signed integer stands for one level more than the highest.
    let count =
      resultBounds[id].isNonnegative ? 255 : max(levels.upperBound, -levels.lowerBound - 1)
    quantization.ranges[id] = Float(count) * quantized.scales[0]
  }

  /// Remedy for integers of other sizes.
  static let byteRemedy =
    "quantise the network to 8 bits (activation_type and weight_type QuantType.QUInt8 or QInt8), or "
    + "give the file in floating point, of which resnetd quantize makes int8"

  // MARK: - Scales and zero points

  /// Returns the quantisation of a result: one scale whose multiples are normal, and an integer for
  /// numbers above zero.
  private mutating func perTensor(_ node: ONNXNode) throws(CheckpointError) -> ONNXQuantization {
    let quantization = try quantization(of: node, integerType(of: node), shape: nil)
    guard (quantization.scales[0] * 256).isFinite, quantization.scales[0].isNormal else {
      throw fault(node, "scale \(quantization.scales[0])")
    }
    guard quantization.levels.upperBound > 0 else {
      throw fault(node, "a zero point that leaves no number above zero")
    }
    return quantization
  }

  /// Returns the type of the integers that a QuantizeLinear makes.
  private func integerType(of node: ONNXNode) throws(CheckpointError) -> ONNXElementType {
    let type = try constant(2, of: node)?.elementType ?? .uint8
    guard type == .int8 || type == .uint8 else {
      throw .unsupported(
        "node \"\(Self.readable(node.name))\" (\(Self.readable(node.operation))): integers of type \(type), "
          + "not int8 or uint8; \(Self.byteRemedy)")
    }
    return type
  }

  /// Reads scales and zero points; a constant, whose `shape` is given, may have them along an axis.
  private mutating func quantization(
    of node: ONNXNode, _ type: ONNXElementType, shape: [Int]?
  ) throws(CheckpointError) -> ONNXQuantization {
    let scale = try neededParameter(1, of: node)
    let scales = scale.values
    if let bad = scales.first(where: { !($0 > 0 && $0.isFinite) }) {
      throw fault(node, "scale \(bad), which is not above zero and finite")
    }
    guard scale.shape.count <= 1 else { throw fault(node, "scales of shape \(scale.shape)") }
    let zeros = try zeros(of: node, type, count: scales.count)
    guard scales.count > 1 else {
      return ONNXQuantization(elementType: type, scales: scales, zeros: zeros, axis: nil)
    }
    guard let shape else { throw fault(node, "\(scales.count) scales for a result; one is read") }
    let given = try integer("axis", of: node, default: 1)
    let axis = given < 0 ? given &+ shape.count : given
    guard shape.indices.contains(axis) else {
      throw fault(node, "axis \(given) of shape \(shape.prefix(8))")
    }
    guard scales.count == shape[axis] else {
      throw fault(node, "\(scales.count) scales along axis \(given) of shape \(shape.prefix(8))")
    }
    return ONNXQuantization(elementType: type, scales: scales, zeros: zeros, axis: axis)
  }

  /// Returns as many zero points as there are scales; zeros if the input is missing.
  private func zeros(
    of node: ONNXNode, _ type: ONNXElementType, count: Int
  ) throws(CheckpointError) -> [Int] {
    guard let tensor = try constant(2, of: node) else { return [Int](repeating: 0, count: count) }
    guard tensor.elementType == type else {
      throw fault(node, "a zero point of type \(tensor.elementType) for integers of type \(type)")
    }
    guard tensor.shape.count <= 1, case .bytes(let bytes) = tensor.storage,
      ONNXTensor.elementCount(tensor.shape, limit: bytes.count) == count,
      bytes.count == count * type.byteCount
    else { throw fault(node, "zero points of shape \(tensor.shape.prefix(8)) for \(count) scales") }
    guard type != .int32 || bytes.allSatisfy({ $0 == 0 }) else {
      throw fault(node, "a zero point of int32 that is not zero")
    }
    let integers = DenseTensor(type, tensor.shape, bytes: bytes)
    guard case .whole(let values) = integers.numbers else { return [] }
    return values.map { Int($0) }
  }

  // MARK: - Constants

  /// Returns the numbers as a layer's parameter.
  mutating func parameter(
    _ tensor: ONNXTensor, _ quantization: ONNXQuantization
  ) throws(CheckpointError) -> Tensor {
    guard case .bytes(let bytes) = tensor.storage else { throw Self.external(tensor) }
    try countParameter(bytes.count / tensor.elementType.byteCount)
    return Tensor(
      shape: tensor.shape, storage: quantization.numbers(of: bytes, shape: tensor.shape))
  }

  /// Returns the numbers as a constant, for operators that are computed while the graph is read.
  func dequantized(
    _ tensor: ONNXTensor, _ quantization: ONNXQuantization, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXTensor {
    guard case .bytes(let bytes) = tensor.storage else { throw Self.external(tensor) }
    let count = bytes.count / tensor.elementType.byteCount
    guard count <= ONNXImportLimits.foldedElementCount else {
      throw .overLimit(
        what: "numbers that node \"\(Self.readable(node.name))\" takes from integers",
        value: count, limit: ONNXImportLimits.foldedElementCount)
    }
    let numbers = quantization.numbers(of: bytes, shape: tensor.shape)
    return ONNXTensor(
      name: tensor.name, elementType: .float, shape: tensor.shape,
      storage: .bytes(DenseTensor(.float, tensor.shape, numbers.map(Double.init)).bytes))
  }
}
