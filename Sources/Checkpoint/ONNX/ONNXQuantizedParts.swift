import ResNet

/// What the quantising nodes of an ONNX graph have said so far, by the nodes of the graph that is made of it.
struct ONNXQuantizedParts {
  /// The magnitude that the largest integer of a node's output stands for.
  var ranges: [Graph.NodeID: Float] = [:]
  /// Of the input's integers as signed ones; nil where it has none.
  var inputZeroPoint: Int?
  /// Tensors of weights that are stored as integers, or computed from such.
  var constants: Set<String> = []
  /// Layers whose weights the file has in floating point.
  var floatingPointLayers: Set<Graph.NodeID> = []
  var integerLayerCount = 0
}
