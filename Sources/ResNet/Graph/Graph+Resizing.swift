extension Graph {
  /// Returns the same network for images of another size, if it is one for any size: its parameters
  /// and its output have the same shapes then. Nil if it is not.
  package func resized(height: Int, width: Int) -> Graph? {
    let input = inputShape
    guard (height, width) != (input.height, input.width) else { return self }
    var graph = self
    let shape = FeatureShape(channels: input.channels, height: height, width: width)
    graph.nodes[0].operation = .input(shape)
    guard let parameters = try? graph.parameterShapes(), let own = try? parameterShapes(),
      parameters == own, let output = try? graph.outputShape, let ownOutput = try? outputShape,
      output == ownOutput
    else { return nil }
    return graph
  }
}
