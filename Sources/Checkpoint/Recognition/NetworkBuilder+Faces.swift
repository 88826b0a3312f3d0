import ResNet

/// Face networks of ArcFace (Deng et al. 2019) as insightface's `iresnet` has them. Blocks normalise
/// before and after their convolutions and have an activation between these alone; a linear layer on
/// the whole last map gives an embedding.
///
///     conv1, bn1, prelu                                      stride 1
///     layer1.0: bn1, conv1, bn2, prelu, conv2, bn3, sum      conv2 and downsample stride
///     bn2, fc, features                                      features: a batch normalisation
extension NetworkBuilder {
  /// Side of published networks' images.
  private static let usualFaceSide = 112
  /// Side of the last map of the largest images.
  private static let lastSideLimit = 64

  /// Returns whether blocks have one more normalisation than two convolutions.
  static func isForFaces(_ tensors: NamedTensors) -> Bool {
    tensors.shape("layer1.0.bn3.weight") != nil && tensors.shape("layer1.0.conv2.weight") != nil
      && tensors.shape("layer1.0.conv3.weight") == nil
  }

  /// Returns the side of images whose last map has as many numbers as the linear layer reads.
  static func faceSide(_ tensors: NamedTensors) -> Int {
    guard let inputs = tensors.shape("fc.weight")?.last,
      let channels = tensors.shape("bn2.weight")?.first, channels > 0,
      let side = (1...lastSideLimit).first(where: { $0 * $0 * channels == inputs })
    else { return usualFaceSide }
    return side << min(tensors.blockCounts.count, Architecture.stageCountLimit)
  }

  mutating func appendFaceBlock(_ name: String, _ step: Step) throws(CheckpointError) {
    let input = output
    try appendNormalization("\(name).bn1")
    let normalized = output
    // Before the main path's last convolution, into which the sum can be fused then.
    let shortcut = try appendShortcut(name, step, from: input, block: input)
    try appendConvolution("\(name).conv1", dilation: step.firstDilation, from: normalized)
    try appendNormalization("\(name).bn2")
    try appendActivation("\(name).relu1", 1, of: name, variant.innerActivation ?? activation)
    try appendConvolution(
      "\(name).conv2", stride: step.stride, dilation: step.dilation, from: output)
    try appendNormalization("\(name).bn3")
    try appendAttention(name)
    try append("\(name).add", .add, [output, shortcut])
  }

  mutating func appendFaceHead() throws(CheckpointError) {
    try appendNormalization("bn2")
    guard let shape = tensors.shape("fc.weight"), shape.count == 2 else {
      throw .unsupported("no linear layer (fc.weight) on the last map of a face network")
    }
    var linear = Linear(outputs: shape[0])
    linear.hasBias = tensors.shape("fc.bias") != nil
    try append("fc", .linear(linear))
    guard tensors.shape("features.weight") != nil else { return }
    try append(
      "features", .batchNormalization(BatchNormalization(epsilon: variant.epsilon ?? 1e-5)))
    givesEmbedding = true
  }
}
