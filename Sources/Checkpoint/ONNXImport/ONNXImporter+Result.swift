import ONNX
import ResNet

extension ONNXImporter {
  /// Returns the graph, whose output is the classifier's logits, its weights, and the function that
  /// the file makes probabilities of them by, if it does.
  func result() throws(CheckpointError) -> (Graph, Weights, OutputRule.Activation?) {
    let (output, activation) = try logits()
    let shape = shapes[output]
    guard output > 0, shape.height == 1, shape.width == 1 else {
      throw .unsupported("\(outputText) is not that of a classifier: it comes from \(shape)")
    }
    guard shape.channels <= ONNXImportLimits.classCount else {
      throw .overLimit(
        what: "classes", value: shape.channels, limit: ONNXImportLimits.classCount)
    }
    let graph = pruned(output)
    var used = Weights()
    do {
      try graph.validate(weights)
      for name in try graph.parameterShapes().keys { used[name] = weights[name] }
    } catch { throw .unsupported(error.description) }
    return (graph, used, activation)
  }

  private var outputText: String { "output \"\(Self.readable(tail.tensor))\"" }

  /// Returns the node that computes the logits, before the function that makes probabilities of
  /// them.
  private func logits() throws(CheckpointError) -> (Graph.NodeID, OutputRule.Activation?) {
    let value = values[tail.tensor]
    switch value {
    case .logarithms(let id): return (id, .softmax)
    case .quantized:
      throw .unsupported("\(outputText) is quantised: no DequantizeLinear follows")
    default: break
    }
    guard let (output, order) = value?.output, order == .flat || shapes[output].pixelCount == 1
    else { throw .unsupported("\(outputText) is not [N, classes]") }
    switch nodes[output].operation {
    case .softmax(let size) where size == shapes[output].channels:
      return (nodes[output].inputs[0], .softmax)
    case .elementwise(.sigmoid): return (nodes[output].inputs[0], .sigmoid)
    default:
      try refuseProbabilities(before: output)
      return (output, nil)
    }
  }

  /// Refuses results that something is still computed of after a softmax or sigmoid at the end, since
  /// they are neither logits nor the classes' probabilities.
  private func refuseProbabilities(before output: Graph.NodeID) throws(CheckpointError) {
    var open = [output]
    var seen: Set<Graph.NodeID> = []
    while let id = open.popLast() {
      guard seen.insert(id).inserted else { continue }
      switch nodes[id].operation {
      case .softmax, .elementwise(.sigmoid):
        let function = nodes[id].operation == .elementwise(.sigmoid) ? "sigmoid" : "softmax"
        throw .unsupported(
          "\(outputText) comes from an operation after the \(function) of node "
            + "\"\(nodes[id].name)\", so it holds neither logits nor probabilities; export the network "
            + "up to that, or name the output that has them (--output-name)")
      case .batchNormalization, .relu, .elementwise, .globalAveragePool, .averagePool, .maxPool,
        .concatenation, .add, .combine:
        open += nodes[id].inputs
      default: break
      }
    }
  }

  /// Returns the graph without nodes that only shape arithmetic read.
  private func pruned(_ output: Graph.NodeID) -> Graph {
    var isRead = [Bool](repeating: false, count: nodes.count)
    isRead[output] = true
    for id in nodes.indices.reversed() where isRead[id] {
      for input in nodes[id].inputs { isRead[input] = true }
    }
    var graph = Graph(input: shapes[0])
    var newIDs = [Graph.NodeID](repeating: 0, count: nodes.count)
    for id in nodes.indices.dropFirst() where isRead[id] {
      var node = nodes[id]
      node.inputs = node.inputs.map { newIDs[$0] }
      newIDs[id] = graph.append(node)
    }
    return graph
  }

  var warnings: [String] {
    tail.warnings
      + (narrowedCount == 0
        ? [] : ["\(narrowedCount) tensors in double precision are narrowed to single precision"])
  }
}
