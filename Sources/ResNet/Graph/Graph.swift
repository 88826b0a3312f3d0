/// A network as operations in an order in which they can run; every node has one output.
package struct Graph: Sendable, Hashable {
  /// The index of a node in `nodes`.
  package typealias NodeID = Int

  package struct Node: Sendable, Hashable {
    /// Unique in its graph; also the prefix of its parameters' names.
    package var name: String
    package var operation: Operation
    /// The nodes whose outputs it reads, all of them before it.
    package var inputs: [NodeID]
    /// Name of the node whose output this one computes in terms of the graph before any pass: its
    /// own, or that of the last node that was merged into it.
    package var resultName: String

    package init(name: String, operation: Operation, inputs: [NodeID]) {
      self.name = name
      resultName = name
      self.operation = operation
      self.inputs = inputs
    }
  }

  package internal(set) var nodes: [Node]
  /// The node whose output is the network's.
  package internal(set) var output: NodeID

  /// Makes a graph of nothing but its input.
  package init(input shape: FeatureShape) {
    nodes = [Node(name: "input", operation: .input(shape), inputs: [])]
    output = 0
  }

  /// Adds a node after all others and makes it the output.
  @discardableResult
  package mutating func append(
    _ name: String, _ operation: Operation, _ inputs: NodeID...
  ) -> NodeID {
    append(Node(name: name, operation: operation, inputs: inputs))
  }

  @discardableResult
  package mutating func append(_ node: Node) -> NodeID {
    precondition(
      node.inputs.allSatisfy(nodes.indices.contains),
      "inputs must come before the node that reads them")
    nodes.append(node)
    output = nodes.count - 1
    return output
  }
}

extension Graph {
  /// Shape of the network's input.
  package var inputShape: FeatureShape {
    guard case .input(let shape) = nodes[0].operation else {
      preconditionFailure("a graph must start with its input")
    }
    return shape
  }

  /// Shape of the network's output: `[classes, 1, 1]` for a classifier.
  package var outputShape: FeatureShape {
    get throws(GraphError) { try shapes()[output] }
  }
}
