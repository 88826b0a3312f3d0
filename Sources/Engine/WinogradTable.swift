import ResNet

/// Which 3x3 convolutions are faster by oneDNN's Winograd algorithm than by its direct one.
enum WinogradTable {
  /// Whether the algorithm exists for a convolution at all.
  static func allows(_ convolution: Convolution) -> Bool {
    convolution.kernel == Extent(3) && convolution.stride == Extent(1)
      && convolution.dilation == Extent(1) && convolution.groups == 1
  }

  static func pays(_ convolution: Convolution, input: FeatureShape, batch: Int) -> Bool {
    allows(convolution) && input.channels >= 64 && input.height >= 14
  }
}
