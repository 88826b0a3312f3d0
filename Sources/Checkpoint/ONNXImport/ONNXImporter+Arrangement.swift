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

  /// Makes a node for each channel of sums of other channels: a 1x1 convolution.
  ///
  /// - Parameter sources: Channels that each result is the sum of, each times `factor`.
  mutating func sums(
    _ sources: [[Int]], factor: Float, of input: Graph.NodeID, _ node: ONNXNode
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
      node.name, .convolution(convolution), [input], for: node, [("weight", tensor)])
  }

  /// Reduces a dimension that consists of parts of the channels by sum or mean.
  mutating func reduceChannels(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, axis: Int, isMean: Bool, keeps: Bool,
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let reduced = arrangement.axes[axis]
    let others = arrangement.parts.indices.filter {
      arrangement.parts[$0].side == .channels && !reduced.contains($0)
    }
    let offsets = arrangement.channels(inOrderOf: reduced)
    let sources = arrangement.channels(inOrderOf: others).map { first in
      offsets.map { first + $0 }
    }
    let factor: Float = isMean ? 1 / Float(offsets.count) : 1
    let result = try sums(sources, factor: factor, of: id, node)
    let left = arrangement.keeping { $0 != axis }
    return try settled(result, keeps ? left : left.dropping(axes: [axis]), node)
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
