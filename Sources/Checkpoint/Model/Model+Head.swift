import ResNet

extension Model {
  /// Returns the model with another last layer on the same features, with what answers need for it.
  ///
  /// - Parameters:
  ///   - weights: Row-major `[K, D]`, D as many as the model has features.
  ///   - bias: `[K]`.
  /// - Throws: `CheckpointError` if the parts do not fit each other, `FeatureFault` if the model has
  ///   no features.
  package func withHead(
    name: String, weights: [Float], bias: [Float], _ contents: Contents
  ) throws -> Model {
    let (other, layer) = try graph.withHead(outputs: bias.count)
    var architecture = architecture
    architecture?.classCount = bias.count
    let graph = try architecture.map { try Self.graph(of: $0) } ?? other
    var parameters = Weights()
    for name in try graph.parameterShapes().keys { parameters[name] = self.weights[name] }
    parameters[layer + ".weight"] = Tensor(
      shape: [bias.count, weights.count / max(bias.count, 1)], storage: weights)
    parameters[layer + ".bias"] = Tensor(shape: [bias.count], storage: bias)
    if let architecture {
      return try Model(name: name, architecture: architecture, weights: parameters, contents)
    }
    return try Model(name: name, graph: graph, weights: parameters, contents)
  }
}
