import ResNet

/// Rule for which convolutions are faster by our kernels on tiles than by oneDNN's.
///
/// Images/s of whole networks relative to oneDNN 2.6.3 alone, whose kernels are on tiles too, on one
/// core of an Intel Xeon with AMX (family 6 model 207), best of four runs in turns:
///
///               ResNet-18            ResNet-50
///         batch 1   batch 8    batch 1   batch 8
///     bf16   1.02      1.14       1.09      1.08
///     int8   1.02      1.07       1.12      1.07
///
/// With all convolutions on our kernels ResNet-18 is slower than by this rule, and at batch 1 slower
/// than with none.
enum TileTable {
  /// Least channels for a kernel of one pixel: of fewer, finishing the sums takes the time.
  static let loneChannelCountMinimum = 128
  /// Most pixels of the result for larger kernels; on larger maps oneDNN's are as fast or faster.
  static let pixelCountMaximum = 64
  static let channelCountMinimum = 64

  static func pays(_ convolution: Convolution, input: FeatureShape, output: FeatureShape) -> Bool {
    guard min(input.channels, output.channels) >= channelCountMinimum else { return false }
    if convolution.kernel == Extent(1) { return input.channels >= loneChannelCountMinimum }
    return output.height * output.width <= pixelCountMaximum
  }
}
