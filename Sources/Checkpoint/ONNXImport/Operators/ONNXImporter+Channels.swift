import ONNX
import ResNet

/// Operators that pick some of a map's channels: a 1x1 convolution of zeros and ones, which is
/// exact.
extension ONNXImporter {
  static let channelOperators: [String: Operator] = [
    "Gather": { importer, node throws(CheckpointError) in try importer.gather(node) },
    "Slice": { importer, node throws(CheckpointError) in try importer.slice(node) },
    "Split": { importer, node throws(CheckpointError) in try importer.split(node) },
  ]

  /// Picks channels by a list; a single index takes the dimension away.
  private mutating func gather(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    let axis = try integer("axis", of: node, default: 0)
    guard let indices = try constant(1, of: node), indices.shape.count <= 1,
      let given = try integers(1, of: node)
    else { throw fault(node, "no list of channels") }
    guard axis == order.channelAxis || axis == order.channelAxis - order.rank else {
      throw fault(node, "axis \(axis), not that of the channels")
    }
    let channels = shapes[input].channels
    let chosen = given.map { $0 < 0 ? $0 &+ channels : $0 }
    guard !chosen.isEmpty, chosen.allSatisfy({ 0..<channels ~= $0 }) else {
      throw fault(node, "channels \(given.prefix(8)) of \(shapes[input])")
    }
    let picked = try select(chosen.count, of: input, order, node.name, node) { chosen[$0] }
    guard indices.shape.isEmpty else { return order.value(picked) }
    // The batch's dimension, which is not the layout's, comes first.
    let arrangement = ONNXArrangement(shapes[picked], order)
    return try settled(picked, arrangement.dropping(axes: [order.channelAxis - 1]), node)
  }

  /// Splits a map into parts of equal or given sizes, each an output of its own. In set 18 the last of
  /// equal parts may be smaller.
  private mutating func split(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    let axis = try integer("axis", of: node, default: 0)
    guard axis == order.channelAxis || axis == order.channelAxis - order.rank else {
      throw fault(node, "axis \(axis), not that of the channels")
    }
    let channels = shapes[input].channels
    let count = node.outputs.count
    let given = model.opset < 13 ? try integerList("split", of: node) : try integers(1, of: node)
    guard count > 0 else { throw fault(node, "no output") }
    var sizes = given ?? [Int](repeating: channels / count, count: count)
    if given == nil, node.attributes["num_outputs"] != nil {
      let part = (channels + count - 1) / count
      sizes = [Int](repeating: part, count: count - 1) + [channels - part * (count - 1)]
    }
    var end = 0
    for (output, size) in zip(node.outputs, sizes) {
      guard size > 0, size <= channels - end else { break }
      let first = end
      end += size
      guard readerCounts[output] != nil else { continue }
      let name = "\(node.name).\(first)"
      let part = try select(size, of: input, order, name, node) { first + $0 }
      setValue(order.value(part), of: output)
    }
    guard end == channels, sizes.count == count, sizes.allSatisfy({ $0 > 0 }),
      let first = node.outputs.first
    else {
      throw fault(node, "parts \(sizes.prefix(8)) of \(shapes[input])")
    }
    // Nothing reads an output that was not made.
    return values[first] ?? order.value(input)
  }

  /// Makes a map of the picked channels.
  ///
  /// - Parameter channel: Returns the input channel for each place.
  mutating func select(
    _ count: Int, of input: Graph.NodeID, _ order: ONNXOrder, _ name: String, _ node: ONNXNode,
    channel: (Int) -> Int
  ) throws(CheckpointError) -> Graph.NodeID {
    let channels = shapes[input].channels
    if count == channels, (0..<count).allSatisfy({ channel($0) == $0 }) { return input }
    guard order.separatesChannels || shapes[input].pixelCount == 1 else {
      throw fault(node, "a part of a flattened input")
    }
    try countParameter(count * channels)
    var weight = [Float](repeating: 0, count: count * channels)
    for place in 0..<count { weight[place * channels + channel(place)] = 1 }
    let convolution = Convolution(outputChannels: count, kernel: Extent(1))
    let tensor = Tensor(shape: [count, channels, 1, 1], storage: weight)
    return try append(
      name, .convolution(convolution), [input], for: node, [("weight", tensor)])
  }

  /// Picks some channels, or every so many pixels starting with the first: half of shortcut option
  /// A.
  private mutating func slice(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    var (id, order, stride) = try slicedInput(of: node)
    let sizes = order.dimensions(shapes[id], batch: batchSize)
    for (axis, part) in try parts(node, of: sizes).sorted(by: { $0.key < $1.key }) {
      let isFromFirst =
        part.first == 0 && part.step > 0 && part.count == (sizes[axis] - 1) / part.step + 1
      switch axis {
      case _ where isFromFirst && part.step == 1: continue
      case order.channelAxis:
        id = try select(part.count, of: id, order, node.name, node) {
          part.first + $0 * part.step
        }
      case 2 where isFromFirst && order == .channelsFirst: stride.height *= part.step
      case 3 where isFromFirst && order == .channelsFirst: stride.width *= part.step
      default: throw fault(node, "a part of \(sizes)")
      }
      guard max(stride.height, stride.width) <= ONNXImportLimits.windowNumber else {
        throw fault(node, "strides \(stride.height) and \(stride.width)")
      }
    }
    return order == .channelsFirst ? .strided(id, stride) : order.value(id)
  }

  /// Returns the first input of a node, and the distance between the pixels that it reads of it.
  private mutating func slicedInput(
    of node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, ONNXOrder, Extent) {
    if case .strided(let id, let stride) = value(0, of: node) {
      return (id, .channelsFirst, stride)
    }
    let (id, order) = try operand(0, of: node)
    return (id, order, Extent(1))
  }

  /// Returns the first element, step and count for each axis, all within the dimension's size.
  private mutating func parts(
    _ node: ONNXNode, of sizes: [Int]
  ) throws(CheckpointError) -> [Int: (first: Int, step: Int, count: Int)] {
    let hasInputs = model.opset >= 10
    let starts = hasInputs ? try integers(1, of: node) : try integerList("starts", of: node)
    let ends = hasInputs ? try integers(2, of: node) : try integerList("ends", of: node)
    guard let starts, let ends else { throw fault(node, "no starts or ends") }
    let axes =
      (hasInputs ? try integers(3, of: node) : try integerList("axes", of: node))
      ?? Array(starts.indices)
    let steps =
      (hasInputs ? try integers(4, of: node) : nil) ?? [Int](repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count,
      Set(axes).count == axes.count
    else { throw fault(node, "lists of unequal lengths, or an axis twice") }
    var parts: [Int: (first: Int, step: Int, count: Int)] = [:]
    for (index, given) in axes.enumerated() {
      let axis = given < 0 ? given &+ sizes.count : given
      let step = steps[index]
      guard sizes.indices.contains(axis), parts[axis] == nil, step != 0,
        -ONNXImportLimits.windowNumber...ONNXImportLimits.windowNumber ~= step
      else { throw fault(node, "axes \(axes.prefix(8)) and steps \(steps.prefix(8)) of \(sizes)") }
      let size = sizes[axis]
      // Negative bounds count from the end; all are then clamped to the dimension.
      let lowest = step > 0 ? 0 : -1
      func place(_ bound: Int) -> Int {
        max(lowest, min(step > 0 ? size : size - 1, bound < 0 ? bound &+ size : bound))
      }
      let first = max(0, place(starts[index]))
      let end = place(ends[index])
      let distance = step > 0 ? end - first : first - end
      guard distance > 0 else { throw fault(node, "an empty part of \(sizes)") }
      parts[axis] = (first, step, (distance - 1) / abs(step) + 1)
    }
    return parts
  }
}
