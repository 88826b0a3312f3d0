import ONNX
import ResNet

/// Tensors whose dimensions part or join those of a map.
extension ONNXImporter {
  /// Returns the node that computes an input, and the layout of its output in the tensor.
  mutating func arrangedOperand(
    _ index: Int, of node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, ONNXArrangement) {
    if case .arranged(let id, let arrangement) = value(index, of: node) { return (id, arrangement) }
    let (id, order) = try operand(index, of: node)
    return (id, ONNXArrangement(shapes[id], order))
  }

  /// Returns the value of a layout: in one of the usual orders if it is one but for the order of the
  /// channels, which a node then changes.
  mutating func settled(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let channelParts = arrangement.channelParts
    let natural = arrangement.relabelled(channelParts).joined
    // Channels of a map can be in any order, those of a layout of its own stay as they are.
    for order in [ONNXOrder.channelsFirst, .flat, .sequence, .channelsLast, .row] {
      guard order != .row || shapes[id].pixelCount == 1,
        natural == ONNXArrangement(shapes[id], order).joined
      else { continue }
      let channels = arrangement.channels(inOrderOf: channelParts)
      let permuted = try select(
        channels.count, of: id, .channelsFirst, "\(node.name).channels", node
      ) { channels[$0] }
      return order.value(permuted)
    }
    if let result = try spaceToDepth(id, arrangement, node) { return result }
    // Of one pixel, parts of the channels may have to stay what they are.
    if shapes[id].pixelCount > 1, let result = try depthToSpace(id, arrangement, node.name, node) {
      return .features(result)
    }
    return .arranged(id, arrangement.joined)
  }

  /// Returns a map of whose pixels some have become channels, or nil if the layout is no such one:
  /// a convolution of zeros and ones, which is exact.
  private mutating func spaceToDepth(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue? {
    let all = arrangement.joined
    let rows = all.parts.indices.filter { all.parts[$0].side == .rows }
    let columns = all.parts.indices.filter { all.parts[$0].side == .columns }
    guard all.axes.count == 3, rows.count == 2, columns.count == 2, all.axes[1] == [rows[0]],
      all.axes[2] == [columns[0]]
    else { return nil }
    let block = Extent(height: all.parts[rows[1]].size, width: all.parts[columns[1]].size)
    let channels = shapes[id].channels
    let count = channels * block.height * block.width
    try countParameter(count * count)
    var weight = [Float](repeating: 0, count: count * count)
    // Places in a window of one output, in the order of the new channels.
    var places = [0]
    for part in all.axes[0] {
      let step =
        switch all.parts[part].side {
        case .channels: all.step(of: part) * block.height * block.width
        case .rows: block.width
        case .columns: 1
        }
      places = places.flatMap { place in (0..<all.parts[part].size).map { place + $0 * step } }
    }
    for (output, place) in places.enumerated() { weight[output * count + place] = 1 }
    var convolution = Convolution(outputChannels: count, kernel: block)
    convolution.stride = block
    let tensor = Tensor(shape: [count, channels, block.height, block.width], storage: weight)
    return .features(
      try append(node.name, .convolution(convolution), [id], for: node, [("weight", tensor)]))
  }

  /// Returns a map of whose channels some have become pixels, or nil if the layout is no such one.
  mutating func depthToSpace(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, _ name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID? {
    let all = arrangement.joined
    func places(_ side: ONNXArrangement.Side, in axis: Int) -> [Int] {
      all.axes[axis].filter { all.parts[$0].side == side }
    }
    guard all.axes.count == 3, all.isOfChannels(axis: 0) else { return nil }
    let (rows, columns) = (places(.channels, in: 1), places(.channels, in: 2))
    // All rows and all columns come first in their dimensions, each undivided.
    guard all.axes[1] == all.parts.indices.filter({ all.parts[$0].side == .rows }) + rows,
      all.axes[2] == all.parts.indices.filter({ all.parts[$0].side == .columns }) + columns
    else { return nil }
    func size(_ parts: [Int]) -> Int { parts.reduce(1) { $0 * all.parts[$1].size } }
    let channels = all.channels(inOrderOf: rows + columns + all.axes[0])
    let sorted = try select(
      channels.count, of: id, .channelsFirst, "\(name).channels", node
    ) { channels[$0] }
    let block = Extent(height: size(rows), width: size(columns))
    return try append(name, .depthToSpace(block), [sorted], for: node)
  }

  /// Makes a node for each channel of sums of other channels: a 1x1 convolution.
  ///
  /// - Parameter sources: Channels that each result is the sum of, each times `factor`.
  mutating func sums(
    _ sources: [[Int]], factor: Float, of input: Graph.NodeID, named name: String? = nil,
    _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let channels = shapes[input].channels
    try countParameter(sources.count * channels)
    var weight = [Float](repeating: 0, count: sources.count * channels)
    for (output, list) in sources.enumerated() {
      for source in list { weight[output * channels + source] = factor }
    }
    let convolution = Convolution(outputChannels: sources.count, kernel: Extent(1))
    let tensor = Tensor(shape: [sources.count, channels, 1, 1], storage: weight)
    return try append(
      name ?? node.name, .convolution(convolution), [input], for: node, [("weight", tensor)])
  }

  /// Applies a softmax over a dimension that consists of parts of the channels.
  mutating func softmax(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, axis: Int, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let inner = arrangement.axes[axis]
    let order =
      arrangement.parts.indices.filter {
        arrangement.parts[$0].side == .channels && !inner.contains($0)
      } + inner
    let size = arrangement.sizes[axis]
    let channels = arrangement.channels(inOrderOf: order)
    let sorted = try select(
      channels.count, of: id, .channelsFirst, "\(node.name).channels", node
    ) { channels[$0] }
    let result = try append(node.name, .softmax(size: size), [sorted], for: node)
    return try settled(result, arrangement.relabelled(order), node)
  }
}
