import ResNet

/// A node of a `GraphDocument`: its operation's parameters, with its name, operation and inputs.
///
/// Accepts only the operation's own keys, because a key with another meaning could change answers.
struct GraphNodeDocument: Codable, Equatable {
  let name: String
  let operation: Operation
  /// Names of earlier nodes.
  let inputs: [String]

  init(name: String, operation: Operation, inputs: [String]) {
    self.name = name
    self.operation = operation
    self.inputs = inputs
  }

  init(from decoder: any Decoder) throws {
    var fields = try GraphNodeFields(decoder)
    name = fields.node
    inputs = try fields.texts("inputs")
    operation = try Self.operation(of: &fields)
    try fields.finish()
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: GraphNodeKey.self)
    try container.encode(name, forKey: "name")
    try container.encode(inputs, forKey: "inputs")
    try encodeOperation(to: &container)
  }

  /// Returns the nodes that it reads, as many as the operation takes.
  func inputIDs(_ ids: [String: Graph.NodeID]) throws(CheckpointError) -> [Graph.NodeID] {
    guard inputCounts.contains(inputs.count) else {
      throw GraphDocument.fault(
        "node \"\(name)\": \(inputs.count) inputs, the operation takes \(inputCounts.lowerBound)"
          + (inputCounts.count > 1 ? " or more" : ""))
    }
    var result: [Graph.NodeID] = []
    for input in inputs {
      guard let id = ids[input] else {
        throw GraphDocument.fault(
          "node \"\(name)\" reads \"\(ONNXImporter.readable(input))\", which is not a node before it"
        )
      }
      result.append(id)
    }
    return result
  }
}

/// Any key of a node.
struct GraphNodeKey: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral value: String) { stringValue = value }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
