import ONNX
import ResNet

extension ONNXImporter {
  /// Returns the graph, whose output is the classifier's logits, and its weights.
  func result() throws(CheckpointError) -> (Graph, Weights) {
    let name = model.outputs.first?.name ?? ""
    let output: Graph.NodeID
    switch values[name] {
    case .flat(let id), .probabilities(let id): output = id
    case .quantized:
      throw .unsupported(
        "output \"\(Self.readable(name))\" is quantised: no DequantizeLinear follows")
    default:
      throw .unsupported("output \"\(Self.readable(name))\" is not [N, classes]")
    }
    let shape = shapes[output]
    guard output > 0, shape.height == 1, shape.width == 1 else {
      throw .unsupported(
        "output \"\(Self.readable(name))\" is not that of a classifier: it comes from \(shape)")
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
    return (graph, used)
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
    narrowedCount == 0
      ? [] : ["\(narrowedCount) tensors in double precision are narrowed to single precision"]
  }
}
