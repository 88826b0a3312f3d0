import ONNX
import ResNet

extension ONNXImporter {
  /// Returns the graph, whose output is the classifier's logits if the file says that it has some,
  /// its weights, and what the file says of the outputs.
  mutating func result() throws(CheckpointError) -> (Graph, Weights, NetworkEnding) {
    let (output, ending, moved) = try logits()
    let shape = shapes[output]
    guard output > 0, shape.height == 1, shape.width == 1 else {
      throw .unsupported(
        "\(outputText) is not that of a classifier: it comes from \(shape); name one with a number for each "
          + "class (--output-name), or export the network with its last pool and layer")
    }
    guard shape.channels <= ONNXImportLimits.classCount else {
      throw .overLimit(
        what: "classes", value: shape.channels, limit: ONNXImportLimits.classCount)
    }
    let graph = pruned(output, moved)
    var used = Weights()
    do {
      try graph.validate(weights)
      for name in try graph.parameterShapes().keys { used[name] = weights[name] }
    } catch { throw .unsupported(error.description) }
    for id in moved?.complements ?? [] {
      // 1 - sigmoid(x) is sigmoid(-x).
      let zeros = [Float](repeating: 0, count: shapes[id].channels)
      used["\(nodes[id].name).bias"] = Tensor(shape: [zeros.count], storage: zeros)
    }
    return (graph, used, ending)
  }

  private var outputText: String { "output \"\(Self.readable(tail.tensor))\"" }

  /// Returns the node that computes the outputs, before a function that makes probabilities of logits,
  /// or with one that is to be left out before it.
  private mutating func logits() throws(CheckpointError) -> (
    Graph.NodeID, NetworkEnding, MovedActivation?
  ) {
    let value = values[tail.tensor]
    switch value {
    case .logarithms(let id): return (id, .activation(.softmax), nil)
    case .quantized:
      throw .unsupported("\(outputText) is quantised: no DequantizeLinear follows")
    default: break
    }
    guard let output = classes(value).map({ beforeClips($0) }) else {
      throw .unsupported(
        "\(outputText) is not [N, classes]; name another one (--output-name), or export the network up to "
          + "its logits")
    }
    switch nodes[output].operation {
    case .softmax(let size) where size == shapes[output].channels:
      return (nodes[output].inputs[0], .activation(.softmax), nil)
    case .elementwise(.sigmoid): return (nodes[output].inputs[0], .activation(.sigmoid), nil)
    default: break
    }
    guard let moved = movedActivation(at: output) else { return (output, ending(at: output), nil) }
    return (output, .activation(moved.activation), moved)
  }

  /// Returns the node whose output is `[N, classes]`, or `[N]` of a single one; nil if there is none.
  private func classes(_ value: ONNXImportedValue?) -> Graph.NodeID? {
    if case .arranged(let id, let arrangement) = value, arrangement.axes.isEmpty { return id }
    guard let (output, order) = value?.output, order == .flat || shapes[output].pixelCount == 1
    else { return nil }
    return output
  }

  /// Returns the graph without nodes that only shape arithmetic read, and without an activation that is
  /// moved to the answer.
  private func pruned(_ output: Graph.NodeID, _ moved: MovedActivation?) -> Graph {
    func inputs(of id: Graph.NodeID) -> [Graph.NodeID] {
      guard let moved, moved.movers.contains(id) else { return nodes[id].inputs }
      return nodes[id].inputs.map { moved.leaves.contains($0) ? nodes[$0].inputs[0] : $0 }
    }
    var isRead = [Bool](repeating: false, count: nodes.count)
    isRead[output] = true
    for id in nodes.indices.reversed() where isRead[id] {
      for input in inputs(of: id) { isRead[input] = true }
    }
    var graph = Graph(input: shapes[0])
    var newIDs = [Graph.NodeID](repeating: 0, count: nodes.count)
    for id in nodes.indices.dropFirst() where isRead[id] {
      var node = nodes[id]
      node.inputs = inputs(of: id).map { newIDs[$0] }
      newIDs[id] = graph.append(node)
    }
    return graph
  }

  var warnings: [String] {
    var warnings = tail.warnings
    if narrowedCount > 0 {
      warnings.append(
        "\(narrowedCount) tensors in double precision are narrowed to single precision")
    }
    if let (first, type, count) = roundings {
      let nodes = "node \"\(first)\"" + (count > 1 ? " and \(count - 1) more" : "")
      warnings.append(
        "the graph rounds numbers to \(type) (Cast, \(nodes)), which is left out: they stay in single "
          + "precision, so results differ from those of other programs by as much as this rounding")
    }
    if quantization.mergedCount > 0 {
      warnings.append(
        "the file rounds numbers between the parts of a GELU (\(quantization.mergedCount) times), which is "
          + "left out: each is computed as one function")
    }
    if let clipWarning { warnings.append(clipWarning) }
    return warnings
  }
}
