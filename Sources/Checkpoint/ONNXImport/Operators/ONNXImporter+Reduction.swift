import ONNX
import ResNet

/// One number of many: per channel, row, column or pixel of a feature map, or for all of it.
extension ONNXImporter {
  static let reductionOperators: [String: Operator] = [
    "GlobalAveragePool": { importer, node throws(CheckpointError) in
      let input = try importer.features(0, of: node)
      return .features(try importer.append(node.name, .globalAveragePool, [input], for: node))
    },
    "GlobalMaxPool": { importer, node throws(CheckpointError) in
      let input = try importer.features(0, of: node)
      return .features(try importer.maximum(of: input, node))
    },
    "ReduceMean": { importer, node throws(CheckpointError) in try importer.reduce(node, .mean) },
    "ReduceSum": { importer, node throws(CheckpointError) in try importer.reduce(node, .sum) },
    "ReduceSumSquare": { importer, node throws(CheckpointError) in
      try importer.reduce(node, .squares)
    },
    "ReduceL1": { importer, node throws(CheckpointError) in try importer.reduce(node, .norm(1)) },
    "ReduceL2": { importer, node throws(CheckpointError) in try importer.reduce(node, .norm(2)) },
    "ReduceMax": { importer, node throws(CheckpointError) in
      try importer.reduce(node, .maximum)
    },
    "ReduceMin": { importer, node throws(CheckpointError) in
      try importer.reduce(node, .minimum)
    },
  ]

  /// What becomes of many numbers; a norm is the sum of magnitudes (1) or the root of the sum of
  /// squares (2).
  enum Reduction: Equatable {
    case sum, mean, squares, maximum, minimum
    case norm(Int)
  }

  private mutating func maximum(
    of input: Graph.NodeID, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let window = Extent(height: shapes[input].height, width: shapes[input].width)
    let pooling = Pooling(window: window, stride: Extent(1))
    return try append(node.name, .maxPool(pooling), [input], for: node)
  }

  private mutating func reduce(
    _ node: ONNXNode, _ reduction: Reduction
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let rank = arrangement.axes.count + 1
    let given = try reducedAxes(of: node)
    if given.isEmpty, try flag("noop_with_empty_axes", of: node),
      [.sum, .mean, .maximum, .minimum].contains(reduction), let value = value(0, of: node)
    {
      return value
    }
    let axes = given.map { ($0 < 0 ? $0 &+ rank : $0) &- 1 }.sorted()
    let keeps = try flag("keepdims", of: node, default: true)
    guard !axes.isEmpty, Set(axes).count == axes.count,
      axes.allSatisfy(arrangement.axes.indices.contains)
    else { throw fault(node, "axes \(given.prefix(8)), not height, width or channels") }
    let (result, left) = try reduced(
      input, arrangement, axes: axes, by: reduction, named: node.name, node)
    return try settled(result, keeps ? left : left.dropping(axes: axes), node)
  }

  /// Returns the axes as they are given. Set 13 made an input of them for sums, set 18 for all.
  private func reducedAxes(of node: ONNXNode) throws(CheckpointError) -> [Int] {
    guard node.operation == "ReduceSum" && model.opset >= 13 || node.inputs.count > 1 else {
      return try integerList("axes", of: node) ?? []
    }
    do throws(CheckpointError) { return try integers(1, of: node) ?? [] } catch {
      throw fault(
        node,
        "its axes (input 1) are not a short list of whole numbers that is known without the image")
    }
  }

  /// Reduces dimensions, which the layout that is returned has as 1.
  ///
  /// - Parameter name: Name of the last of the nodes that are made.
  mutating func reduced(
    _ input: Graph.NodeID, _ arrangement: ONNXArrangement, axes: [Int], by reduction: Reduction,
    named name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, ONNXArrangement) {
    let left = arrangement.keeping { !axes.contains($0) }
    func sum(
      of terms: Graph.NodeID, named name: String
    ) throws(CheckpointError) -> Graph.NodeID {
      try pooled(terms, arrangement, axes, .sum, named: name, node)
    }
    switch reduction {
    case .sum, .mean, .maximum:
      return (try pooled(input, arrangement, axes, reduction, named: name, node), left)
    case .minimum:
      let negative = try scale(input, by: -1, named: "\(name).negative", node)
      let largest = try pooled(
        negative, arrangement, axes, .maximum, named: "\(name).maximum", node)
      return (try scale(largest, by: -1, named: name, node), left)
    case .norm(1):
      let magnitudes = try magnitudes(of: input, named: "\(name).magnitudes", node)
      return (try sum(of: magnitudes, named: name), left)
    case .squares, .norm:
      let squares = try append("\(name).squares", .multiply, [input, input], for: node)
      guard reduction != .squares else { return (try sum(of: squares, named: name), left) }
      let total = try sum(of: squares, named: "\(name).sum")
      return (try append(name, .elementwise(.squareRoot), [total], for: node), left)
    }
  }

  /// Takes sums, means or maxima: of pixels by a pool of as many, then of channels by a convolution.
  private mutating func pooled(
    _ input: Graph.NodeID, _ arrangement: ONNXArrangement, _ axes: [Int], _ reduction: Reduction,
    named name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let parts = axes.flatMap { arrangement.axes[$0] }
    func isOfChannels(_ part: Int) -> Bool { arrangement.parts[part].side == .channels }
    let channels = parts.filter(isOfChannels)
    var result = input
    var factor: Float = 1
    if parts.count > channels.count || parts.isEmpty {
      let window = try window(
        over: parts.filter { !isOfChannels($0) }, arrangement, shapes[input], axes, node)
      if reduction == .sum { factor = Float(window.height * window.width) }
      let isLast = channels.isEmpty && factor == 1
      result = try pooled(
        result, window, isMaximum: reduction == .maximum, isLast ? name : "\(name).mean", node)
    }
    guard !channels.isEmpty else {
      return factor == 1 ? result : try scale(result, by: factor, named: name, node)
    }
    let others = arrangement.parts.indices.filter { isOfChannels($0) && !channels.contains($0) }
    guard reduction != .maximum else {
      return try largest(
        of: result, arrangement.channels(inOrderOf: channels + others),
        count: arrangement.channels(inOrderOf: channels).count, named: name, node)
    }
    let offsets = arrangement.channels(inOrderOf: channels)
    let sources = arrangement.channels(inOrderOf: others).map { first in
      offsets.map { first + $0 }
    }
    if reduction == .mean { factor /= Float(offsets.count) }
    return try sums(sources, factor: factor, of: result, named: name, node)
  }

  /// Takes the largest of every `count` channels, the slower parts of the given order: they become
  /// columns, of which a pool takes the largest.
  private mutating func largest(
    of input: Graph.NodeID, _ order: [Int], count: Int, named name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let sorted = try select(
      order.count, of: input, .channelsFirst, "\(name).channels", node
    ) { order[$0] }
    let window = Extent(height: 1, width: count)
    let columns = try append("\(name).columns", .depthToSpace(window), [sorted], for: node)
    return try append(
      name, .maxPool(Pooling(window: window, stride: window)), [columns], for: node)
  }

  /// Returns the window that covers the parts: all rows, all columns or both.
  private func window(
    over parts: [Int], _ arrangement: ONNXArrangement, _ shape: FeatureShape, _ axes: [Int],
    _ node: ONNXNode
  ) throws(CheckpointError) -> Extent {
    let sides = Set(parts.map { arrangement.parts[$0].side })
    let whole = arrangement.parts.indices.filter { sides.contains(arrangement.parts[$0].side) }
    guard parts.sorted() == whole else {
      throw fault(node, "axes \(axes.map { $0 + 1 }), a part of height or width")
    }
    return Extent(
      height: sides.contains(.rows) ? shape.height : 1,
      width: sides.contains(.columns) ? shape.width : 1)
  }

  private mutating func pooled(
    _ input: Graph.NodeID, _ window: Extent, isMaximum: Bool, _ name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    let isWhole = window.height == shape.height && window.width == shape.width
    let pooling = Pooling(window: window, stride: Extent(1))
    let operation: Operation =
      isMaximum ? .maxPool(pooling) : isWhole ? .globalAveragePool : .averagePool(pooling)
    return try append(name, operation, [input], for: node)
  }
}
