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
