import ONNX
import ResNet

/// A tensor of an ONNX graph as part of the graph that is made of it.
enum ONNXImportedValue {
  /// Known numbers: weights, shapes.
  case constant(ONNXTensor)
  /// Known integers and the numbers that they represent, which are computed on demand.
  case dequantized(ONNXTensor, ONNXQuantization)
  /// `[N, C, H, W]`.
  case features(Graph.NodeID)
  /// A node's output as `[N, H, W, C]`, the order of TensorFlow.
  case channelsLast(Graph.NodeID)
  /// A node's output as `[N, C * H * W]`.
  case flat(Graph.NodeID)
  /// A node's output as `[N, C, H * W]`.
  case sequence(Graph.NodeID)
  /// A node's output of one pixel as `[N, 1, C]`.
  case row(Graph.NodeID)
  /// A node's output in a tensor whose dimensions part or join those of the map.
  case arranged(Graph.NodeID, ONNXArrangement)
  /// A node's output in a tensor some of whose dimensions of 1 are repeated to these sizes of the
  /// dimensions after the batch; only what combines it with a tensor of them takes it in.
  case expanded(Graph.NodeID, ONNXArrangement, to: [Int])
  /// Every so many pixels of a node's output `[N, C, H, W]`, until the next operation makes a node
  /// of it.
  case strided(Graph.NodeID, Extent)
  /// A node's output `[N, C, H, W]` with padding, until the next operation takes it in or makes a
  /// node of it.
  ///
  /// The padding is of zeros, or of the lowest numbers, which only a maximum can take in.
  case padded(Graph.NodeID, Padding, isLowest: Bool)
  /// The logits after a LogSoftmax, whose softmax is that of the logits; nothing may follow.
  case logarithms(Graph.NodeID)
  /// A result as integers, between quantisation and dequantisation; nothing else may read them.
  indirect case quantized(ONNXImportedValue, ONNXQuantization)
}

extension ONNXImportedValue {
  /// The node whose whole output it is, and the output's order in the tensor; nil for parts of an
  /// output and other values.
  var output: (id: Graph.NodeID, order: ONNXOrder)? {
    switch self {
    case .features(let id): (id, .channelsFirst)
    case .channelsLast(let id): (id, .channelsLast)
    case .flat(let id): (id, .flat)
    case .sequence(let id): (id, .sequence)
    case .row(let id): (id, .row)
    case .constant, .dequantized, .arranged, .expanded, .strided, .padded, .logarithms, .quantized:
      nil
    }
  }
}
