extension Graph {
  /// Nodes that end a stage: blocks that follow each other at one resolution, in order. The last
  /// operation before the resolution falls, or before global pooling, ends its stage; a stem that has
  /// no sum belongs to none.
  package var stageEnds: [NodeID] {
    guard let shapes = try? shapes() else { return [] }
    // Nodes that everything passes through: nothing after one reads what is before it.
    var reach = [Int](repeating: 0, count: nodes.count)
    for (id, node) in nodes.enumerated() {
      for input in node.inputs { reach[input] = max(reach[input], id) }
    }
    var furthest = 0
    var necks: [NodeID] = []
    for id in nodes.indices {
      if furthest <= id { necks.append(id) }
      furthest = max(furthest, reach[id])
    }
    var ends: [NodeID] = []
    var hasSum = false
    for (place, id) in necks.enumerated() {
      if case .add = nodes[id].operation { hasSum = true }
      let next = place + 1 < necks.count ? necks[place + 1] : id
      let falls = shapes[next].pixelCount < shapes[id].pixelCount
      if hasSum, falls, nodes[id].operation.clippingBounds?.lower == 0 {
        ends.append(id)
        hasSum = false
      }
    }
    return ends
  }
}
