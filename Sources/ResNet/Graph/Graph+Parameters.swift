extension Graph {
  /// Returns the shape of every parameter that the graph reads, by its name in the weights' file.
  package func parameterShapes() throws(GraphError) -> [String: [Int]] {
    let shapes = try shapes()
    var parameters: [String: [Int]] = [:]
    for node in nodes {
      for (name, shape) in Self.parameters(of: node, input: node.inputs.first.map { shapes[$0] }) {
        parameters[name] = shape
      }
    }
    return parameters
  }

  /// Throws for the first parameter, by name, that is missing or has another shape than the graph
  /// needs.
  package func validate(_ weights: Weights) throws(GraphError) {
    for (name, expected) in try parameterShapes().sorted(by: { $0.key < $1.key }) {
      guard let tensor = weights[name] else { throw .missingParameter(name) }
      guard tensor.shape == expected else {
        throw .parameterShape(name: name, expected: expected, actual: tensor.shape)
      }
    }
  }

  private static func parameters(
    of node: Node, input: FeatureShape?
  ) -> [(name: String, shape: [Int])] {
    guard let input else { return [] }
    switch node.operation {
    case .convolution(let convolution):
      let outputs = convolution.outputChannels
      var parameters = [
        (
          name: "\(node.name).weight",
          shape: [
            outputs, input.channels / convolution.groups, convolution.kernel.height,
            convolution.kernel.width,
          ]
        )
      ]
      if convolution.hasBias { parameters.append(("\(node.name).bias", [outputs])) }
      if let folded = convolution.foldedNormalization {
        parameters += normalizationParameters(of: folded.name, channels: outputs)
      }
      return parameters
    case .batchNormalization:
      return normalizationParameters(of: node.name, channels: input.channels)
    case .linear(let linear):
      let weight = ("\(node.name).weight", [linear.outputs, input.elementCount])
      return linear.hasBias ? [weight, ("\(node.name).bias", [linear.outputs])] : [weight]
    case .input, .relu, .elementwise, .add, .multiply, .combine, .maxPool, .averagePool, .pad,
      .border,
      .concatenation, .globalAveragePool, .normalization, .softmax, .resize, .depthToSpace,
      .paddedShortcut:
      return []
    }
  }

  private static func normalizationParameters(
    of name: String, channels: Int
  ) -> [(name: String, shape: [Int])] {
    ["weight", "bias", "running_mean", "running_var"].map { ("\(name).\($0)", [channels]) }
  }
}
