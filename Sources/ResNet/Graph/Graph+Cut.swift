/// Reason why a graph cannot be cut after a node.
package enum CutFault: Error, Hashable, CustomStringConvertible {
  /// A node after the cut also reads one before it.
  case bypassed(cut: String, reader: String, source: String)
  /// The node has no part in the network's output, or is the output.
  case nothingAfter(String)

  package var description: String {
    switch self {
    case .bypassed(let cut, let reader, let source):
      "the network cannot be cut after \(cut.prefix(80)): \(reader.prefix(80)) also reads "
        + "\(source.prefix(80)), which lies before; cut after a whole block"
    case .nothingAfter(let cut):
      "the network cannot be cut after \(cut.prefix(80)): nothing that computes its output follows"
    }
  }
}

extension Graph {
  /// Returns the nodes that compute a node's output, as a network of their own.
  package func before(cut: NodeID) -> Graph {
    var isNeeded = nodes.map { _ in false }
    isNeeded[cut] = true
    for id in nodes.indices.reversed() where isNeeded[id] {
      for input in nodes[id].inputs { isNeeded[input] = true }
    }
    var graph = Graph(input: inputShape)
    var newIDs = [NodeID](repeating: 0, count: nodes.count)
    for id in nodes.indices.dropFirst() where isNeeded[id] {
      var node = nodes[id]
      node.inputs = node.inputs.map { newIDs[$0] }
      newIDs[id] = graph.append(node)
    }
    return graph
  }

  /// Returns the nodes that compute the network's output from a node's output, which becomes the
  /// input, as a network of their own; throws `CutFault` if other nodes lead around it.
  package func after(cut: NodeID) throws -> Graph {
    guard cut > 0 else { return self }
    var graph = Graph(input: try shapes()[cut])
    var newIDs = [NodeID?](repeating: nil, count: nodes.count)
    newIDs[cut] = 0
    let isRead = isNeeded(before: cut)
    guard output != cut, isRead[cut] else { throw CutFault.nothingAfter(nodes[cut].name) }
    for id in nodes.indices where isRead[id] {
      var node = nodes[id]
      // Nodes that do not stem from the cut lie before it.
      guard id != cut, node.inputs.contains(where: { newIDs[$0] != nil }) else { continue }
      node.inputs = try node.inputs.map { input in
        guard let new = newIDs[input] else {
          throw CutFault.bypassed(
            cut: nodes[cut].name, reader: node.name, source: nodes[input].name)
        }
        return new
      }
      newIDs[id] = graph.append(node)
    }
    return graph
  }

  /// Tells for each node whether the output needs it if the output of `cut` is known.
  private func isNeeded(before cut: NodeID) -> [Bool] {
    var isNeeded = nodes.map { _ in false }
    isNeeded[output] = true
    for id in nodes.indices.reversed() where isNeeded[id] && id != cut {
      for input in nodes[id].inputs { isNeeded[input] = true }
    }
    return isNeeded
  }
}
