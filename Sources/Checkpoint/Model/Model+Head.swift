package import ResNet

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

  /// Returns the model with a head of two layers on the same features, a rectifier between them.
  ///
  /// - Parameters:
  ///   - hidden: The first layer, `[H, D]` and `[H]`.
  ///   - last: The second one, `[K, H]` and `[K]`.
  /// - Throws: As the method for a single layer.
  package func withHead(
    name: String, hidden: (weights: [Float], bias: [Float]),
    last: (weights: [Float], bias: [Float]), _ contents: Contents
  ) throws -> Model {
    let (graph, first, second) = try graph.withHead(
      hidden: hidden.bias.count, outputs: last.bias.count)
    var parameters = Weights()
    for name in try graph.parameterShapes().keys { parameters[name] = weights[name] }
    for (layer, numbers) in [(first, hidden), (second, last)] {
      let count = numbers.bias.count
      parameters[layer + ".weight"] = Tensor(
        shape: [count, numbers.weights.count / max(count, 1)], storage: numbers.weights)
      parameters[layer + ".bias"] = Tensor(shape: [count], storage: numbers.bias)
    }
    // No architecture has such a head: the file holds the graph.
    return try Model(name: name, graph: graph, weights: parameters, contents)
  }

  /// Returns the last linear layer, row-major `[K, D]` with its bias; nil if its outputs are not the
  /// network's, or its numbers are not where those of a linear layer are.
  package func head() throws(FeatureFault) -> (weights: [Float], bias: [Float])? {
    let layer = try graph.withHead(outputs: 1).layer
    guard graph.nodes[graph.output].name == layer, let matrix = weights[layer + ".weight"],
      let classCount = matrix.shape.first, classCount > 0,
      matrix.elementCount.isMultiple(of: classCount)
    else { return nil }
    let bias = weights[layer + ".bias"].map { Array($0.values) }
    guard bias.map({ $0.count == classCount }) ?? true else { return nil }
    return (Array(matrix.values), bias ?? [Float](repeating: 0, count: classCount))
  }

  /// Returns the SHA-256 of everything that decides an image's features: the network without its
  /// last layer, and the contract.
  package func featureDigest(featureCount: Int) throws -> ModelVersion {
    try withHead(
      name: "features", weights: [Float](repeating: 0, count: 2 * featureCount), bias: [0, 0],
      Contents(labels: ["0", "1"], preprocessing: preprocessing)
    ).version
  }
}
