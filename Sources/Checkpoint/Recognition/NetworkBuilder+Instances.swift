import ResNet

/// Normalisation of an image's own maps in parts of the network (IBN-Net, Pan et al. 2018).
///
///     IBN-a   layer1.0.bn1.IN, layer1.0.bn1.BN: of the first channels, and of the others
///     IBN-b   layer1.2.IN after a block's sum, and bn1 without running statistics
extension NetworkBuilder {
  /// Some outputs of a convolution, as a node of their own.
  typealias Part = (name: String, outputs: Range<Int>)

  /// Returns whether a normalisation is that of the stem in IBN-b.
  func normalizesInstances(_ name: String) -> Bool {
    name == "bn1" && parts.contains("IN") && tensors.shape("bn1.running_mean") == nil
      && tensors.shape("bn1.running_var") == nil
  }

  mutating func appendInstanceNormalization(_ name: String) throws(CheckpointError) {
    let normalization = SampleNormalization(
      .groups(outputShape.channels), epsilon: variant.epsilon ?? 1e-5)
    try append("\(name).normal", .normalization(normalization))
    try appendScale(name)
  }

  /// Returns the parts of a convolution's outputs that are normalised in two ways; none where all
  /// are normalised alike.
  ///
  /// Two convolutions cost what one does, where picking channels of its result would cost more.
  func instanceParts(
    of convolution: String, _ norm: String, from input: Graph.NodeID
  ) throws(CheckpointError) -> [Part] {
    guard let first = tensors.shape("\(norm).IN.weight")?.first else { return [] }
    let shape = try convolutionShape(convolution)
    let rest = tensors.shape("\(norm).BN.weight")?.first ?? 0
    guard first > 0, rest > 0, first <= shape[0], shape[0] - first == rest,
      shape[1] == shapes[input].channels
    else {
      throw .unsupported(
        "\(shown(norm)) normalises \(first) channels by the image (IN) and \(rest) by "
          + "statistics (BN), where \(shown(convolution)) has weights of shape \(shape); export "
          + "the network as ONNX")
    }
    return [("\(convolution).IN", 0..<first), ("\(convolution).BN", first..<shape[0])]
  }
}
