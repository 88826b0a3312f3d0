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
///
/// Times of first layers in microseconds on the same CPU, oneDNN's and ours, best of 400 in turns:
///
///     channels, map, kernel, stride       bf16         int8
///     3 to 64, 224x224, 7x7, 2          322, 210     281, 196
///     3 to 64, 64x64, 7x7, 2             30,  18      33,  17
///     3 to 32, 224x224, 3x3, 2          135,  62     115,  69
///     3 to 64, 32x32, 3x3, 1             16,  10      21,  12
///     8 to 32, 56x56, 3x3, 1             36,  19      31,  22
///     12 to 64, 112x112, 1x1, 1         100,  92     186, 117
///     8 to 32, 56x56, 1x1, 1             13,  15      25,  20
///     3 to 64, 48x48, 3x3, 2             15,  14      12,  16
enum TileTable {
  /// Least channels for a kernel of one pixel: of fewer, finishing the sums takes the time.
  static let loneChannelCountMinimum = 128
  /// Most pixels of the result for larger kernels; on larger maps oneDNN's are as fast or faster.
  static let pixelCountMaximum = 64
  static let channelCountMinimum = 64
  /// Most channels of which the kernels multiply whole lines of a window, at least if it is larger
  /// than a pixel and lines of the result are this long: these are computed 16 pixels at a time.
  static let fewChannelCountMaximum = 12
  static let fewChannelWidthMinimum = 32

  static func pays(_ convolution: Convolution, input: FeatureShape, output: FeatureShape) -> Bool {
    if input.channels <= fewChannelCountMaximum {
      return convolution.kernel.width > 1 && output.width >= fewChannelWidthMinimum
    }
    guard min(input.channels, output.channels) >= channelCountMinimum else { return false }
    if convolution.kernel == Extent(1) { return input.channels >= loneChannelCountMinimum }
    return output.height * output.width <= pixelCountMaximum
  }
}
