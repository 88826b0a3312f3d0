import ONNX
import ResNet

/// What a tensor of an ONNX graph is in the graph that is made of it.
enum ONNXImportedValue {
  /// Known numbers: weights, shapes.
  case constant(ONNXTensor)
  /// `[N, C, H, W]`.
  case features(Graph.NodeID)
  /// A node's output as `[N, C * H * W]`.
  case flat(Graph.NodeID)
  /// Every so many pixels of a node's output, until the next operation makes a node of it.
  case strided(Graph.NodeID, Extent)
  /// The logits behind a softmax, which an answer has anyway: nothing may follow.
  case probabilities(Graph.NodeID)
}
