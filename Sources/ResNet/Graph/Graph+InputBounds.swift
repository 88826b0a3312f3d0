extension Graph {
  /// Returns the graph without a clip of its input to the numbers that the calibration's integers
  /// stand for, where convolutions read them as such integers: these have no others.
  package func leavingInputBounds(to calibration: Calibration, keeping kept: [String]) -> Graph {
    let readers = nodes.indices.filter { nodes[$0].inputs.contains(0) }
    guard readers.count == 1, let clip = readers.first, clip != output,
      !kept.contains(nodes[clip].resultName), let range = calibration.range(of: nodes[0]),
      case .elementwise(.clip(let minimum, let maximum)) = nodes[clip].operation,
      nodes.allSatisfy({ !$0.inputs.contains(clip) || Self.readsIntegers($0, calibration) })
    else { return self }
    let zero = calibration.inputZeroPoint ?? 0
    let step = range / Float(127 - zero)
    let integers = Bounds(Float(-128 - zero) * step, range)
    guard integers.areWithin(Bounds(minimum, maximum), tolerance: step / 2) else { return self }
    var graph = Graph(input: inputShape)
    for id in nodes.indices.dropFirst() where id != clip {
      var node = nodes[id]
      node.inputs = node.inputs.map { $0 < clip ? $0 : $0 == clip ? 0 : $0 - 1 }
      graph.append(node)
    }
    return graph
  }

  private static func readsIntegers(_ node: Node, _ calibration: Calibration) -> Bool {
    guard case .convolution(let convolution) = node.operation else { return false }
    return convolution.groups == 1 && !calibration.computesInFloatingPoint(node)
  }
}
