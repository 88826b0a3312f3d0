import ResNet

/// Which 3x3 convolutions are faster by oneDNN's Winograd algorithm than by its direct one.
///
/// Measured on one core of an AMD EPYC (Zen 4) with oneDNN 2.6.3 as three convolutions in a row, reorders
/// between them included; times as fast as direct convolution at batch 1 and 8:
///
///     channels, size   64, 56  128, 28  256, 14  512, 7  16, 32  32, 16  64, 8
///     batch 1            1.81     2.54     1.70    1.34    1.12    1.44   1.64
///     batch 8            2.18     2.32     1.98    2.64    1.12    1.32   1.89
enum WinogradTable {
  /// Below what was measured, transforms outweigh the products saved.
  static let channelCountMinimum = 16
  static let sizeMinimum = 7

  /// Whether the algorithm exists for a convolution at all.
  static func allows(_ convolution: Convolution) -> Bool {
    convolution.kernel == Extent(3) && convolution.stride == Extent(1)
      && convolution.dilation == Extent(1) && convolution.groups == 1
  }

  static func pays(_ convolution: Convolution, input: FeatureShape) -> Bool {
    allows(convolution)
      && min(input.channels, convolution.outputChannels) >= channelCountMinimum
      && min(input.height, input.width) >= sizeMinimum
  }
}
