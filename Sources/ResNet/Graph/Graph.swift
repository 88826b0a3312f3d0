/// A network as operations in the order in which they can run; every node has one output.
package struct Graph: Sendable, Hashable {
  /// The index of a node in `nodes`.
  package typealias NodeID = Int

  package struct Node: Sendable, Hashable {
    /// Unique in its graph; also the prefix of its parameters' names.
    package var name: String
    package var operation: Operation
    /// The nodes whose outputs it reads, all before itself.
    package var inputs: [NodeID]
    /// The node whose output this one's is in the graph before any pass: its own name, or that of the last of the
    /// nodes that became part of it.
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

  /// A graph that is only its input so far.
  package init(input shape: FeatureShape) {
    nodes = [Node(name: "input", operation: .input(shape), inputs: [])]
    output = 0
  }

  /// Adds a node behind all others and makes it the output.
  @discardableResult
  package mutating func append(
    _ name: String, _ operation: Operation, _ inputs: NodeID...
  ) -> NodeID {
    append(Node(name: name, operation: operation, inputs: inputs))
  }

  @discardableResult
  package mutating func append(_ node: Node) -> NodeID {
    precondition(node.inputs.allSatisfy(nodes.indices.contains), "inputs come before their user")
    nodes.append(node)
    output = nodes.count - 1
    return output
  }
}

extension Graph {
  /// What the network takes.
  package var inputShape: FeatureShape {
    guard case .input(let shape) = nodes[0].operation else {
      preconditionFailure("a graph starts with its input")
    }
    return shape
  }

  /// What the network gives: of a classifier `[classes, 1, 1]`.
  package var outputShape: FeatureShape {
    get throws(GraphError) { try shapes()[output] }
  }
}
