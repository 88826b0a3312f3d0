import ResNet

/// Rule for which convolutions by `IntegerKernel` are faster by Winograd's filtering than directly.
///
/// Times in microseconds of one image on a core of an AMD EPYC (family 25 model 17) without AVX-512,
/// the least of 30, weights in the cache and none of them large:
///
///     channels, map      64, 56   128, 28   256, 14   512, 7
///     directly             1520      1455      1495     1428
///     Winograd              549       482       712      968
///
/// 19 MB of transformed weights do not stay there: read from memory they take as long as all of the
/// direct convolution, unless they serve several images.
enum IntegerTable {
  /// Bytes of transformed weights beyond which they come from memory on each pass, which only many
  /// tiles make up for.
  static let cachedWeightByteLimit = 6 << 20
  static let tileCountMinimum = 16

  /// Tells whether it pays where it can be used; `largestBatch` is that of all plans.
  static func winogradPays(
    _ convolution: Convolution, input: FeatureShape, largestBatch: Int
  ) -> Bool {
    guard WinogradKernel.computes(convolution) else { return false }
    let weightByteCount =
      WinogradKernel.transformedCount * input.channels * convolution.outputChannels
      * MemoryLayout<Int16>.stride
    if weightByteCount <= cachedWeightByteLimit { return true }
    let padding = convolution.padding.before
    return largestBatch * WinogradKernel.tileCount(input.height, padding: padding.height)
      * WinogradKernel.tileCount(input.width, padding: padding.width) >= tileCountMinimum
  }
}
