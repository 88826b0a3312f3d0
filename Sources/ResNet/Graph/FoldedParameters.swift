/// Weights and bias of a convolution, including its folded batch normalisation.
///
/// With `scale = gamma / sqrt(variance + epsilon)` per output channel (Ioffe and Szegedy 2015,
/// Algorithm 1), the weights become `w * scale` and the bias `(b - mean) * scale + beta`; the
/// factors are computed in double precision.
package struct FoldedParameters {
  /// `[K, C/groups, H, W]`, row-major.
  package var weight: [Float]
  /// `[K]`; nil if neither the convolution nor a normalisation has one.
  package var bias: [Float]?

  /// Throws `missingParameter` or `parameterShape` if `weights` do not fit the node.
  package init(
    _ convolution: Convolution, named name: String, weights: Weights
  ) throws(GraphError) {
    let outputs = convolution.outputChannels
    weight = try Self.values(of: "\(name).weight", in: weights)
    guard weight.count.isMultiple(of: outputs) else {
      throw .parameterShape(name: "\(name).weight", expected: [outputs], actual: [weight.count])
    }
    if convolution.hasBias {
      bias = try Self.values(of: "\(name).bias", in: weights, count: outputs)
    }
    guard let folded = convolution.foldedNormalization else { return }
    func normalization(_ parameter: String) throws(GraphError) -> [Float] {
      try Self.values(of: "\(folded.name).\(parameter)", in: weights, count: outputs)
    }
    let gamma = try normalization("weight")
    let beta = try normalization("bias")
    let mean = try normalization("running_mean")
    let variance = try normalization("running_var")
    let rowCount = weight.count / outputs
    var shifted = bias ?? [Float](repeating: 0, count: outputs)
    for output in 0..<outputs {
      let epsilon = Double(folded.parameters.epsilon)
      let scale = Double(gamma[output]) / (Double(variance[output]) + epsilon).squareRoot()
      for index in output * rowCount..<(output + 1) * rowCount {
        weight[index] = Float(Double(weight[index]) * scale)
      }
      let centered = Double(shifted[output]) - Double(mean[output])
      shifted[output] = Float(centered * scale + Double(beta[output]))
    }
    bias = shifted
  }

  private static func values(
    of name: String, in weights: Weights, count: Int? = nil
  ) throws(GraphError) -> [Float] {
    guard let tensor = weights[name] else { throw .missingParameter(name) }
    let values = tensor.values
    guard count == nil || values.count == count else {
      throw .parameterShape(name: name, expected: count.map { [$0] } ?? [], actual: tensor.shape)
    }
    return values
  }
}
