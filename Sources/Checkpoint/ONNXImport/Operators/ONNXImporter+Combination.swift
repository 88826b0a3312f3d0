import ONNX
import ResNet

/// Operations on two inputs of which one may have dimensions of 1 where the other has more.
extension ONNXImporter {
  typealias Arranged = (id: Graph.NodeID, arrangement: ONNXArrangement)

  /// Combines two inputs as their layouts align; the result has the layout of the larger one.
  mutating func combine(
    _ operation: Operation, _ first: (Graph.NodeID, ONNXArrangement),
    _ second: (Graph.NodeID, ONNXArrangement), _ name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> (Graph.NodeID, ONNXArrangement) {
    let (a, b) = (shapes[first.0], shapes[second.0])
    if first.1 == second.1, a == b {
      return (try append(name, operation, [first.0, second.0], for: node), first.1)
    }
    guard let (one, other) = ONNXArrangement.refined(first.1, second.1) else {
      throw misaligned(first, second, node)
    }
    let isInOrder = Self.covers(one, other)
    guard isInOrder || Self.covers(other, one) else { throw misaligned(first, second, node) }
    let large = isInOrder ? (first.0, one) : (second.0, other)
    let small = try spread(
      isInOrder ? (second.0, other) : (first.0, one), like: large, name, node)
    let result = try combine(operation, large.0, small, isInOrder: isInOrder, name, node)
    return (result, large.1.joined)
  }

  private func misaligned(
    _ first: (Graph.NodeID, ONNXArrangement), _ second: (Graph.NodeID, ONNXArrangement),
    _ node: ONNXNode
  ) -> CheckpointError {
    fault(
      node,
      "inputs [N, \(Self.list(first.1.sizes))] and [N, \(Self.list(second.1.sizes))], whose "
        + "dimensions do not align")
  }

  private static func list(_ sizes: [Int]) -> String {
    sizes.map(String.init).joined(separator: ", ")
  }

  /// Tells whether each dimension of the second is 1 or like that of the first.
  private static func covers(_ first: ONNXArrangement, _ second: ONNXArrangement) -> Bool {
    zip(first.sizes, second.sizes).allSatisfy { $1 == 1 || $0 == $1 }
  }

  /// Adds a step on two maps, of which the smaller has the larger one's shape or is one pixel of
  /// all its channels.
  private mutating func combine(
    _ operation: Operation, _ large: Graph.NodeID, _ small: Graph.NodeID, isInOrder: Bool,
    _ name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let isWhole = shapes[large] == shapes[small]
    switch operation {
    case .multiply, .combine(.maximum), .combine(.minimum):
      return try append(name, operation, [large, small], for: node)
    case .add where isWhole: return try append(name, .add, [large, small], for: node)
    case .add:
      // A sum of whole maps becomes part of a convolution, so it takes no single pixels.
      let negative = try scale(small, by: -1, node)
      return try append(name, .combine(.subtract), [large, negative], for: node)
    case _ where isInOrder: return try append(name, operation, [large, small], for: node)
    case _ where isWhole: return try append(name, operation, [small, large], for: node)
    case .combine(.subtract):
      let negative = try append("\(name).negative", operation, [large, small], for: node)
      return try scale(negative, by: -1, node)
    default:
      let reciprocal = try append(
        "\(name).reciprocal", .elementwise(.power(exponent: -1)), [large], for: node)
      return try append(name, .multiply, [reciprocal, small], for: node)
    }
  }

  /// Brings the smaller map's channels into the order and number of the larger one's, and its pixels
  /// to their number unless it has one.
  private mutating func spread(
    _ small: (id: Graph.NodeID, arrangement: ONNXArrangement),
    like large: (id: Graph.NodeID, arrangement: ONNXArrangement), _ name: String, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    // The part of the smaller one that goes with each of the larger one.
    var partners: [Int: Int] = [:]
    for (axis, list) in small.arrangement.axes.enumerated() where !list.isEmpty {
      for (own, other) in zip(list, large.arrangement.axes[axis]) { partners[other] = own }
    }
    func places(_ arrangement: ONNXArrangement, _ side: ONNXArrangement.Side) -> [Int] {
      arrangement.parts.indices.filter { arrangement.parts[$0].side == side }
    }
    for (other, own) in partners
    where large.arrangement.parts[other].side != small.arrangement.parts[own].side {
      throw misaligned((large.id, large.arrangement), (small.id, small.arrangement), node)
    }
    // Rows and columns go with each other whole and in order, or not at all.
    for side in [ONNXArrangement.Side.rows, .columns] {
      let own = places(small.arrangement, side)
      let found = places(large.arrangement, side).compactMap { partners[$0] }
      guard own == found else {
        throw misaligned((large.id, large.arrangement), (small.id, small.arrangement), node)
      }
    }
    var channels = [0]
    for part in places(large.arrangement, .channels) {
      let step = partners[part].map { small.arrangement.step(of: $0) } ?? 0
      let size = large.arrangement.parts[part].size
      channels = channels.flatMap { place in (0..<size).map { place + $0 * step } }
    }
    let target = shapes[large.id]
    let picked = try select(
      channels.count, of: small.id, .channelsFirst, "\(name).channels", node
    ) { channels[$0] }
    let shape = shapes[picked]
    guard shape.pixelCount > 1,
      shape.height != target.height || shape.width != target.width
    else { return picked }
    return try append(
      "\(name).spread",
      .resize(Resizing(height: target.height, width: target.width, .nearest)), [picked], for: node)
  }
}
