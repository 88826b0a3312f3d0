import ONNX
import ResNet

extension ONNXImporter {
  static let poolingOperators: [String: Operator] = [
    "MaxPool": { importer, node throws(CheckpointError) in try importer.maximum(node) },
    "AveragePool": { importer, node throws(CheckpointError) in try importer.average(node) },
  ]

  /// Adds a maximum pool.
  ///
  /// Zeros around numbers that are not below zero change no maximum, as the lowest numbers never
  /// do.
  private mutating func maximum(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let kernel = try kernel(node)
    var input: Graph.NodeID
    var outer = Padding(0)
    switch value(0, of: node) {
    case .padded(let id, let padding, let isLowest)
    where isLowest || resultBounds[id].isNonnegative:
      (input, outer) = (id, padding)
    default: input = try features(0, of: node)
    }
    let window = try window(node, kernel: kernel, over: shapes[input].padded(by: outer))
    if outer != Padding(0), !window.padding(inside: outer).isNarrower(than: kernel) {
      input = try features(0, of: node)
      outer = Padding(0)
    }
    let pooling = try pooling(window, inside: outer, node)
    return .features(try append(node.name, .maxPool(pooling), [input], for: node))
  }

  /// Adds an average pool.
  ///
  /// Padding that counts in the divisor and padding that does not are kept apart, because a pool
  /// has one rule for both.
  private mutating func average(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    if case .arranged(let id, let arrangement) = value(0, of: node) {
      return try averageDepth(id, arrangement, node)
    }
    let kernel = try kernel(node)
    let counts = try flag("count_include_pad", of: node)
    var (input, outer) = try paddedFeatures(of: node)
    var window = try window(node, kernel: kernel, over: shapes[input].padded(by: outer))
    let isRoundedUp = window.overhang != Extent(0)
    let pads = window.padding != Padding(0)
    if outer != Padding(0), pads || isRoundedUp || !outer.isNarrower(than: kernel) {
      input = try features(0, of: node)
      outer = Padding(0)
    }
    if pads, counts, isRoundedUp {
      input = try materialize(input, window.padding, node)
      window.padding = Padding(0)
    }
    var pooling = try pooling(window, inside: outer, node)
    pooling.countsPadding = !isRoundedUp && (counts || !pads)
    return .features(try append(node.name, .averagePool(pooling), [input], for: node))
  }

  private func kernel(_ node: ONNXNode) throws(CheckpointError) -> Extent {
    guard node.attributes["kernel_shape"] != nil else { throw fault(node, "no kernel_shape") }
    return try extent("kernel_shape", of: node)
  }

  /// Makes a pool of a window; `outer` is padding of the window's input that becomes the pool's
  /// own.
  private func pooling(
    _ window: ONNXWindow, inside outer: Padding, _ node: ONNXNode
  ) throws(CheckpointError) -> Pooling {
    guard window.dilation == Extent(1) else { throw fault(node, "a window with holes") }
    let padding = window.padding(inside: outer)
    guard padding.isNarrower(than: window.kernel) else {
      throw fault(node, "padding as wide as the window")
    }
    return Pooling(window: window.kernel, stride: window.stride, padding: padding)
  }
}
