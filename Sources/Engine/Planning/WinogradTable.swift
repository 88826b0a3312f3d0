package import ResNet

/// Rule for which 3x3 convolutions of stride 1 are faster by our Winograd kernels than by oneDNN's
/// direct convolution.
///
/// Speed relative to oneDNN 2.6.3, three convolutions in a row on one core of an AMD EPYC (Zen 5)
/// with AVX-512 (benchmarks/winograd measures it again):
///
///     channels, size        64, 56  128, 28  256, 14  512, 7  16, 32  32, 16  64, 8
///     fp32, batch 1           3.05     3.17     2.39    1.03    1.78    2.37   1.74
///           batch 4           2.93     3.17     2.38    2.12    1.77    2.33   2.55
///           batch 8           2.76     3.07     2.36    2.37    1.74    2.30   2.51
///     bf16, batch 1           1.49     1.58     1.17    0.45    1.08    1.22   0.95
///           batch 4           1.45     1.55     1.16    1.00    1.09    1.19   1.29
///           batch 8           1.38     1.53     1.22    1.15    1.08    1.19   1.31
///
/// On a core of an Intel Xeon with AMX (family 6 model 207), whose tiles oneDNN's direct convolution in
/// bf16 uses, Winograd is 0.11 to 0.81 times as fast in bf16; in fp32 it is 1.42 to 2.84 times as fast,
/// but for 0.7 times with 512 channels at batch 1, where the rule does not take it.
///
/// None of these kernels computes on integers: oneDNN is as fast on them as Winograd in fp32.
///
/// A layer uses one algorithm for all batch sizes: its weights are packed once, and an image's
/// logits are the same in every batch.
package enum WinogradTable {
  /// Least channels, below which the transforms outweigh the products saved.
  static let channelCountMinimum = 16
  /// Bytes of transformed weights beyond which they come from memory on each pass. It then takes as
  /// long as the direct convolution in fp32 unless it serves enough tiles; in bf16 it never pays.
  static let cachedWeightByteLimit = 16 << 20
  static let tileCountMinimum = 8

  /// Tells whether the kernels pay for a convolution; `largestBatch` is that of all plans.
  package static func pays(
    _ convolution: Convolution, input: FeatureShape, largestBatch: Int, precision: Precision,
    instructions: InstructionLevel = .used
  ) -> Bool {
    guard precision == .fp32 || precision == .bf16 && instructions < .avx512AMX,
      WinogradKernel.computes(convolution),
      min(input.channels, convolution.outputChannels) >= channelCountMinimum
    else { return false }
    let weightByteCount =
      WinogradKernel.transformedCount * input.channels * convolution.outputChannels
      * MemoryLayout<Float>.stride
    if weightByteCount <= cachedWeightByteLimit { return true }
    let tileCount =
      largestBatch
      * WinogradKernel.tileCount(input.height, padding: convolution.padding.before.height)
      * WinogradKernel.tileCount(input.width, padding: convolution.padding.before.width)
    return precision == .fp32 && tileCount >= tileCountMinimum
  }
}
