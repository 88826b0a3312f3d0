import ONNX
import ResNet

extension ONNXImporter {
  static let poolingOperators: [String: Operator] = [
    "MaxPool": { importer, node throws(CheckpointError) in
      let (input, pooling) = try importer.pooling(node)
      return .features(try importer.append(node.name, .maxPool(pooling), [input], for: node))
    },
    "AveragePool": { importer, node throws(CheckpointError) in
      var (input, pooling) = try importer.pooling(node)
      pooling.countsPadding =
        try importer.integer("count_include_pad", of: node, default: 0) != 0
        || pooling.padding == Padding(0)
      return .features(try importer.append(node.name, .averagePool(pooling), [input], for: node))
    },
    "GlobalAveragePool": { importer, node throws(CheckpointError) in
      let input = try importer.features(0, of: node)
      return .features(try importer.append(node.name, .globalAveragePool, [input], for: node))
    },
    "ReduceMean": { importer, node throws(CheckpointError) in
      let input = try importer.features(0, of: node)
      let axes = try importer.integerList("axes", of: node) ?? []
      guard axes.count == 2, Set(axes.map { $0 < 0 ? $0 &+ 4 : $0 }) == [2, 3] else {
        throw importer.fault(node, "axes \(axes.prefix(8)), not height and width")
      }
      let keeps = try importer.integer("keepdims", of: node, default: 1) != 0
      let mean = try importer.append(node.name, .globalAveragePool, [input], for: node)
      return keeps ? .features(mean) : .flat(mean)
    },
  ]

  private mutating func pooling(
    _ node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, Pooling) {
    let input = try features(0, of: node)
    guard node.attributes["kernel_shape"] != nil else { throw fault(node, "no kernel_shape") }
    let kernel = try extent("kernel_shape", of: node)
    let window = try window(node, kernel: kernel, over: shapes[input])
    guard window.dilation == Extent(1) else { throw fault(node, "a window with holes") }
    guard window.padding.height < kernel.height, window.padding.width < kernel.width else {
      throw fault(node, "padding as wide as the window")
    }
    return (input, Pooling(window: kernel, stride: window.stride, padding: Padding(window.padding)))
  }
}
