import ONNX
import ResNet

/// One number per channel, row or column of a feature map.
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
    "ReduceMean": { importer, node throws(CheckpointError) in try importer.reduce(node) },
    "ReduceSum": { importer, node throws(CheckpointError) in try importer.reduce(node) },
    "ReduceMax": { importer, node throws(CheckpointError) in try importer.reduce(node) },
  ]

  private mutating func maximum(
    of input: Graph.NodeID, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let window = Extent(height: shapes[input].height, width: shapes[input].width)
    let pooling = Pooling(window: window, stride: Extent(1))
    return try append(node.name, .maxPool(pooling), [input], for: node)
  }

  /// Reduces all pixels, the rows or columns of a map by a pool of the same length, or channels by
  /// a convolution.
  private mutating func reduce(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, arrangement) = try arrangedOperand(0, of: node)
    let rank = arrangement.axes.count + 1
    let given: [Int]
    if node.operation == "ReduceSum", model.opset >= 13 {
      given = try integers(1, of: node) ?? []
    } else {
      given = try integerList("axes", of: node) ?? []
    }
    let axes = given.map { ($0 < 0 ? $0 &+ rank : $0) &- 1 }.sorted()
    let keeps = try flag("keepdims", of: node, default: true)
    let isMaximum = node.operation == "ReduceMax"
    guard let first = axes.first, Set(axes).count == axes.count,
      axes.allSatisfy(arrangement.axes.indices.contains)
    else { throw fault(node, "axes \(given.prefix(8)), not height and width") }
    let parts = axes.flatMap { arrangement.axes[$0] }
    let sides = Set(parts.map { arrangement.parts[$0].side })
    if axes.count == 1, sides == [.channels], !isMaximum {
      return try reduceChannels(
        input, arrangement, axis: first, isMean: node.operation == "ReduceMean", keeps: keeps, node)
    }
    let result = try reducePixels(
      input, window(of: parts, sides, arrangement, shapes[input], node, given), node)
    let left = arrangement.keeping { !axes.contains($0) }
    return try settled(result, keeps ? left : left.dropping(axes: axes), node)
  }

  /// Returns the window that covers the parts: all rows, all columns or both.
  private func window(
    of parts: [Int], _ sides: Set<ONNXArrangement.Side>, _ arrangement: ONNXArrangement,
    _ shape: FeatureShape, _ node: ONNXNode, _ given: [Int]
  ) throws(CheckpointError) -> Extent {
    let whole = arrangement.parts.indices.filter { sides.contains(arrangement.parts[$0].side) }
    guard parts.sorted() == whole, !sides.contains(.channels) else {
      throw fault(node, "axes \(given.prefix(8)), not height and width")
    }
    return Extent(
      height: sides.contains(.rows) ? shape.height : 1,
      width: sides.contains(.columns) ? shape.width : 1)
  }

  private mutating func reducePixels(
    _ input: Graph.NodeID, _ window: Extent, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    let isWhole = window.height == shape.height && window.width == shape.width
    let pooling = Pooling(window: window, stride: Extent(1))
    switch node.operation {
    case "ReduceMax": return try append(node.name, .maxPool(pooling), [input], for: node)
    case "ReduceMean":
      return try append(
        node.name, isWhole ? .globalAveragePool : .averagePool(pooling), [input], for: node)
    default:
      let mean = try append(
        "\(node.name).mean", isWhole ? .globalAveragePool : .averagePool(pooling), [input],
        for: node)
      return try scale(mean, by: Float(window.height * window.width), node)
    }
  }
}
