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
    "ReduceMax": { importer, node throws(CheckpointError) in try importer.reduce(node) },
  ]

  private mutating func maximum(
    of input: Graph.NodeID, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let window = Extent(height: shapes[input].height, width: shapes[input].width)
    let pooling = Pooling(window: window, stride: Extent(1))
    return try append(node.name, .maxPool(pooling), [input], for: node)
  }

  /// Reduces all pixels, or the rows or columns of a map, by a pool of the same length.
  private mutating func reduce(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (input, order) = try operand(0, of: node)
    let given = try integerList("axes", of: node) ?? []
    let axes = given.map { $0 < 0 ? $0 &+ order.rank : $0 }
    let keeps = try flag("keepdims", of: node, default: true)
    let isMean = node.operation == "ReduceMean"
    if !axes.isEmpty, axes.sorted() == order.pixelAxes {
      let result =
        isMean
        ? try append(node.name, .globalAveragePool, [input], for: node)
        : try maximum(of: input, node)
      return keeps ? order.value(result) : .flat(result)
    }
    guard axes.count == 1, order.pixelAxes.contains(axes[0]), keeps || order == .channelsFirst
    else { throw fault(node, "axes \(given.prefix(8)), not height and width") }
    var window = Extent(1)
    if axes[0] == order.pixelAxes[0] {
      window.height = shapes[input].height
    } else {
      window.width = shapes[input].width
    }
    let pooling = Pooling(window: window, stride: Extent(1))
    let result = try append(
      node.name, isMean ? .averagePool(pooling) : .maxPool(pooling), [input], for: node)
    return keeps ? order.value(result) : .sequence(result)
  }
}
