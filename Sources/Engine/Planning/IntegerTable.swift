import ResNet

/// Rule for which convolutions on integers are faster by Winograd's filtering than directly, by
/// `IntegerKernel` without VNNI, else by oneDNN.
///
/// Times in microseconds of one image on a core of an AMD EPYC (family 25 model 17), the least of 30
/// to 40, weights in the cache and none of them large:
///
///     channels, map          64, 56   128, 28   256, 14   512, 7   512, 14
///     AVX2        directly     1520      1455      1495     1428
///                 Winograd      549       482       712      968
///     AVX-512     directly      505       482       457      437      1830
///     with VNNI   Winograd      328       292       353      465      1487
///
/// 19 MB of transformed weights do not stay there: read from memory they take as long as all of the
/// direct convolution, unless they serve many tiles.
enum IntegerTable {
  /// Bytes of transformed weights beyond which they come from memory on each pass, which only many
  /// tiles make up for.
  static let cachedWeightByteLimit = 6 << 20
  static let tileCountMinimum = 16

  /// Tells whether it pays where it can be used; `largestBatch` is that of all plans.
  static func winogradPays(
    _ convolution: Convolution, input: FeatureShape, largestBatch: Int,
    on instructions: IntegerKernel.Instructions
  ) -> Bool {
    guard WinogradKernel.computes(convolution) else { return false }
    let weightByteCount =
      WinogradKernel.transformedCount * input.channels * convolution.outputChannels
      * MemoryLayout<Int16>.stride
    if weightByteCount <= cachedWeightByteLimit { return true }
    let padding = convolution.padding.before
    let tileCount =
      WinogradKernel.tileCount(input.height, padding: padding.height)
      * WinogradKernel.tileCount(input.width, padding: padding.width)
    // With VNNI the direct way is fast enough for a lone image to lose more than a batch gains.
    let imageCount = instructions == .avx2 ? largestBatch : 1
    return imageCount * tileCount >= tileCountMinimum
  }
}
