import ONNX
import ResNet

extension ONNXImporter {
  /// Operators that pad.
  static let paddingOperators: [String: Operator] = [
    "Pad": { importer, node throws(CheckpointError) in try importer.pad(node) }
  ]

  /// Returns the feature map that a node reads first, and the distance between the pixels it reads.
  private mutating func stridedInput(
    of node: ONNXNode
  ) throws(CheckpointError) -> (id: Graph.NodeID, stride: Extent) {
    if case .strided(let id, let stride) = value(0, of: node) { return (id, stride) }
    return (try features(0, of: node), Extent(1))
  }

  /// Adds rows and columns around a feature map, or zero channels: the other half of option A.
  private mutating func pad(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    var border: Border?
    if case .string(let mode) = node.attributes["mode"], mode != "constant" {
      border = Border(rawValue: mode)
      guard border != nil else {
        throw fault(
          node, "mode \(Self.readable(mode)); constant, reflect, edge and wrap are read")
      }
    }
    let pads = try pads(of: node)
    if case .arranged(let id, let arrangement) = value(0, of: node), border == nil, let pads {
      return try padDepth(id, arrangement, pads, node)
    }
    if let pads, let cropped = try crop(node, pads, border) { return cropped }
    guard let pads, pads.count == 8, pads.allSatisfy({ 0...ONNXImportLimits.windowNumber ~= $0 }),
      pads[0] == 0, pads[4] == 0
    else { throw fault(node, "pads \((pads ?? []).prefix(8))") }
    if let border { return try surround(node, pads, border) }
    let filler = try filler(node)
    let isLowest = filler <= -Float.greatestFiniteMagnitude
    guard filler == 0 || isLowest else { throw fault(node, "padding with \(filler)") }
    if case .channelsLast = value(0, of: node) {
      return try padPixels(node, pads, isLowest: isLowest)
    }
    if pads[1] == 0, pads[5] == 0 { return try padPixels(node, pads, isLowest: isLowest) }
    guard [2, 3, 6, 7].allSatisfy({ pads[$0] == 0 }), !isLowest else {
      throw fault(node, "pads \(pads) of channels and pixels at once")
    }
    return try padChannels(node, before: pads[1], after: pads[5])
  }

  /// Returns the padding of all dimensions, of which set 18 may name some alone.
  private func pads(of node: ONNXNode) throws(CheckpointError) -> [Int]? {
    guard model.opset >= 11 else { return try integerList("pads", of: node) }
    guard let given = try integers(1, of: node), let listed = try integers(3, of: node) else {
      return try integers(1, of: node)
    }
    var rank = 4
    if case .arranged(_, let arrangement) = value(0, of: node) {
      rank = arrangement.axes.count + 1
    }
    let axes = listed.map { $0 < 0 ? $0 &+ rank : $0 }
    guard axes.allSatisfy((0..<rank).contains), Set(axes).count == axes.count,
      given.count == 2 * axes.count
    else { throw fault(node, "pads \(given.prefix(8)) of the axes \(listed.prefix(8))") }
    var pads = [Int](repeating: 0, count: 2 * rank)
    for (place, axis) in axes.enumerated() {
      (pads[axis], pads[axis + rank]) = (given[place], given[place + axes.count])
    }
    return pads
  }

  /// Takes away rows and columns where the padding is negative, by a convolution of zeros and ones, which
  /// is exact, and leaves the rest of the padding as `padPixels` does; nil if none is negative.
  private mutating func crop(
    _ node: ONNXNode, _ pads: [Int], _ border: Border?
  ) throws(CheckpointError) -> ONNXImportedValue? {
    guard pads.contains(where: { $0 < 0 }) else { return nil }
    let limits = -ONNXImportLimits.croppedCount...ONNXImportLimits.windowNumber
    guard border == nil, pads.count == 8, pads.allSatisfy({ limits ~= $0 }),
      [0, 1, 4, 5].allSatisfy({ pads[$0] == 0 })
    else { throw fault(node, "pads \(pads.prefix(8))") }
    let filler = try filler(node)
    let isLowest = filler <= -Float.greatestFiniteMagnitude
    guard filler == 0 || isLowest else { throw fault(node, "padding with \(filler)") }
    let input = try features(0, of: node)
    let channels = shapes[input].channels
    let cuts = pads.map { max(0, -$0) }
    let kernel = Extent(height: 1 + cuts[2] + cuts[6], width: 1 + cuts[3] + cuts[7])
    try countParameter(channels * kernel.height * kernel.width)
    var weight = [Float](repeating: 0, count: channels * kernel.height * kernel.width)
    for channel in 0..<channels {
      weight[(channel * kernel.height + cuts[2]) * kernel.width + cuts[3]] = 1
    }
    var convolution = Convolution(outputChannels: channels, kernel: kernel)
    convolution.groups = channels
    let tensor = Tensor(shape: [channels, 1, kernel.height, kernel.width], storage: weight)
    let id = try append(
      "\(node.name).crop", .convolution(convolution), [input], for: node, [("weight", tensor)])
    let padding = Padding(
      before: Extent(height: max(0, pads[2]), width: max(0, pads[3])),
      after: Extent(height: max(0, pads[6]), width: max(0, pads[7])))
    return padding == Padding(0) ? .features(id) : .padded(id, padding, isLowest: isLowest)
  }

  private mutating func surround(
    _ node: ONNXNode, _ pads: [Int], _ border: Border
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (id, order) = try operand(0, of: node)
    guard order.rank == 4, pads[order.channelAxis] == 0, pads[order.channelAxis + 4] == 0 else {
      throw fault(node, "pads \(pads)")
    }
    // A step of its own for each row and column.
    if let most = pads.max(), most > ONNXImportLimits.reflectedCount {
      throw .overLimit(
        what:
          "rows or columns of itself that node \"\(Self.readable(node.name))\" puts around a map",
        value: most,
        limit: ONNXImportLimits.reflectedCount)
    }
    let axes = order.pixelAxes
    let padding = Padding(
      before: Extent(height: pads[axes[0]], width: pads[axes[1]]),
      after: Extent(height: pads[axes[0] + 4], width: pads[axes[1] + 4]))
    return order.value(try append(node.name, .border(padding, border), [id], for: node))
  }

  /// Returns the number to pad with, which may be infinite.
  private mutating func filler(_ node: ONNXNode) throws(CheckpointError) -> Float {
    guard model.opset < 11 else { return try parameter(2, of: node)?.values.first ?? 0 }
    if case .number(let value) = node.attributes["value"] { return value }
    return try number("value", of: node, default: 0)
  }

  private mutating func padChannels(
    _ node: ONNXNode, before: Int, after: Int
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (id, stride) = try stridedInput(of: node)
    guard stride.height == stride.width else {
      throw fault(node, "input with strides \(stride.height) and \(stride.width)")
    }
    let shortcut = PaddedShortcut(
      channels: shapes[id].channels + before + after, stride: stride.height,
      leadingZeroChannels: before)
    return .features(try append(node.name, .paddedShortcut(shortcut), [id], for: node))
  }

  /// Leaves the padding for the next operation to take in; with channels last, makes a node of it.
  private mutating func padPixels(
    _ node: ONNXNode, _ pads: [Int], isLowest: Bool
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (id, order) = try operand(0, of: node)
    guard order.rank == 4, pads[order.channelAxis] == 0, pads[order.channelAxis + 4] == 0 else {
      throw fault(node, "pads \(pads)")
    }
    let axes = order.pixelAxes
    let padding = Padding(
      before: Extent(height: pads[axes[0]], width: pads[axes[1]]),
      after: Extent(height: pads[axes[0] + 4], width: pads[axes[1] + 4]))
    if order == .channelsFirst { return .padded(id, padding, isLowest: isLowest) }
    guard !isLowest else { throw fault(node, "padding with the lowest number") }
    return order.value(try append(node.name, .pad(padding), [id], for: node))
  }

  /// Returns a feature map and the zero padding around it that the node itself can take in.
  mutating func paddedFeatures(
    of node: ONNXNode
  ) throws(CheckpointError) -> (id: Graph.NodeID, padding: Padding) {
    if case .padded(let id, let padding, isLowest: false) = value(0, of: node) {
      return (id, padding)
    }
    return (try features(0, of: node), Padding(0))
  }

  /// Makes a node of zeros around a feature map.
  mutating func materialize(
    _ id: Graph.NodeID, _ padding: Padding, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    if padding == Padding(0) { return id }
    return try append("\(node.name).pad", .pad(padding), [id], for: node)
  }

  /// Makes a node of picked pixels: each is the largest of a window of one.
  mutating func materialize(
    _ id: Graph.NodeID, _ stride: Extent, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    if stride == Extent(1) { return id }
    let pooling = Pooling(window: Extent(1), stride: stride)
    return try append("\(node.name).slice", .maxPool(pooling), [id], for: node)
  }
}
