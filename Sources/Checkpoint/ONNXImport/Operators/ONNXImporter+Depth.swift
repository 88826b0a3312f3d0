import ONNX
import ResNet

/// Operations along the channels of a map that is taken for one of three dimensions, `[N, 1, C, H, W]`,
/// as PyTorch's LocalResponseNorm has it.
extension ONNXImporter {
  /// Adds channels of zeros.
  mutating func padDepth(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, _ pads: [Int], _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let axes = arrangement.axes.count
    guard let axis = depthAxis(of: id, arrangement), pads.count == 2 * (axes + 1),
      pads.allSatisfy({ 0...ONNXImportLimits.windowNumber ~= $0 }),
      pads.indices.allSatisfy({ pads[$0] == 0 || $0 % (axes + 1) == axis + 1 }),
      try parameter(2, of: node)?.values.first ?? 0 == 0
    else { throw fault(node, "pads \(pads.prefix(16)) of parted dimensions, or not with zeros") }
    let (before, after) = (pads[axis + 1], pads[axes + axis + 2])
    guard before + after > 0 else { return .arranged(id, arrangement) }
    let channels = shapes[id].channels + before + after
    let padded = try append(
      node.name,
      .paddedShortcut(PaddedShortcut(channels: channels, stride: 1, leadingZeroChannels: before)),
      [id], for: node)
    return try deep(padded, axis, arrangement, node)
  }

  /// Takes the mean of each channel and those after it: a 1x1 convolution whose weights are a band.
  mutating func averageDepth(
    _ id: Graph.NodeID, _ arrangement: ONNXArrangement, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let usual: [String: [ONNXAttribute]] = [
      "strides": [.integers([1, 1, 1])], "dilations": [.integers([1, 1, 1])],
      "pads": [.integers([0, 0, 0, 0, 0, 0])], "ceil_mode": [.integer(0)],
      "count_include_pad": [.integer(0), .integer(1)],
      "auto_pad": [.string("NOTSET"), .string("VALID")],
    ]
    let isUsual = node.attributes.allSatisfy { name, value in
      name == "kernel_shape" || usual[name]?.contains(value) == true
    }
    let kernel = try integerList("kernel_shape", of: node) ?? []
    guard isUsual, let axis = depthAxis(of: id, arrangement), axis == 1,
      arrangement.axes.count == 4, kernel.count == 3, kernel[1...] == [1, 1],
      1...shapes[id].channels ~= kernel[0]
    else { throw fault(node, "a pool of parted dimensions that is not one along the channels") }
    let sources = (0...shapes[id].channels - kernel[0]).map { Array($0..<$0 + kernel[0]) }
    let means = try sums(sources, factor: 1 / Float(kernel[0]), of: id, node)
    return try deep(means, axis, arrangement, node)
  }

  /// Returns the dimension after the batch that is the channels, if all others are rows, columns and 1
  /// in the order of the map.
  private func depthAxis(of id: Graph.NodeID, _ arrangement: ONNXArrangement) -> Int? {
    let natural = arrangement.joined
    guard shapes[id].channels > 1,
      ONNXArrangement(shapes[id], .channelsFirst).reshaped(to: arrangement.sizes)?.joined == natural
    else { return nil }
    return natural.axes.firstIndex(of: [0])
  }

  /// Returns another map, of as many pixels, in the layout of one.
  private mutating func deep(
    _ id: Graph.NodeID, _ axis: Int, _ arrangement: ONNXArrangement, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    var sizes = arrangement.sizes
    sizes[axis] = shapes[id].channels
    guard let result = ONNXArrangement(shapes[id], .channelsFirst).reshaped(to: sizes) else {
      throw fault(node, "\(shapes[id]) as \(sizes)")
    }
    return try settled(id, result, node)
  }
}
