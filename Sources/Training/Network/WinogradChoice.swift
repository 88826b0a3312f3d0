import Engine
import ResNet

/// Passes of a 3x3 convolution of stride 1 that our own kernels compute in training.
///
/// Speed relative to oneDNN 2.6.3's direct convolution on one core of an AMD EPYC (Zen 4) with
/// AVX-512, shards of 32 images (of 8 for 56, 28, 14 and 7 pixels), without packing:
///
///     channels, size   64, 56  128, 28  256, 14  512, 7  16, 32  32, 16  64, 8  256, 4
///     forward            2.50     2.97     2.31    2.36    2.44    2.65   2.82    2.60
///     source's gradient  2.57     3.02     2.41    2.16    2.29    2.57   2.78    2.58
///     filters' gradient  2.52     2.82     2.13    2.53    1.92    2.39   2.64    2.63
///
///     size, 64 and 256 channels     2          3          4          5          6          7
///     forward                 0.67, 0.71 1.32, 1.56 2.42, 2.21 1.03, 0.96 1.53, 1.58 2.03, 2.15
///     source's gradient       0.62, 0.56 1.20, 1.16 2.34, 2.12 1.00, 0.91 1.49, 1.60 2.05, 2.22
///     filters' gradient       0.79, 0.76 1.62, 1.54 2.79, 2.72 1.08, 1.04 1.51, 1.42 1.92, 2.01
///
/// With AVX2 and with the plain kernels the gain is larger.
struct WinogradChoice {
  /// Whether they compute the result and the source's gradient, for which filters are transformed in
  /// every step.
  let convolves: Bool
  /// Whether they compute the filters' gradient.
  let passesToFilters: Bool

  init(_ shape: ConvolutionShape, channelBlock: Int) {
    let (convolution, input, output) = (shape.convolution, shape.input, shape.output)
    guard shape.usesWinograd, WinogradKernel.computes(convolution),
      [input.channels, output.channels].allSatisfy({ $0.isMultiple(of: channelBlock) }),
      convolution.padding.before.height <= 2, convolution.padding.before.width <= 2
    else {
      (convolves, passesToFilters) = (false, false)
      return
    }
    let tiles = Self.tileCount(output.height) * Self.tileCount(output.width)
    let direct =
      Self.productCount(input.height, output.height, convolution.padding.before.height)
      * Self.productCount(input.width, output.width, convolution.padding.before.width)
    let own = WinogradKernel.transformedCount * tiles
    let pays =
      Double(direct) >= Self.leastGain * Double(own) && shape.images * tiles >= Self.tileMinimum
    let isCached =
      own / tiles * input.channels * output.channels * MemoryLayout<Float>.stride
      <= Self.cachedByteLimit
    let packing = isCached ? Self.cachedPackingProducts : Self.packingProducts
    let saved = Double(direct) - Self.transformShare * Double(own)
    convolves = pays && Double(shape.batch) * saved >= packing
    passesToFilters = pays && !convolution.hasBias
  }

  /// Products of the direct convolution for each of Winograd's, below which the transforms outweigh
  /// what is saved.
  private static let leastGain = 1.3
  /// Tiles of a shard below which the sums at each point are too short.
  private static let tileMinimum = 8
  /// Bytes of transformed filters beyond which they go through memory.
  private static let cachedByteLimit = 16 << 20
  /// Products and transforms in products.
  private static let transformShare = 1.15
  /// Products that take as long as the transforms of a filter for both passes.
  private static let packingProducts = 2200.0
  private static let cachedPackingProducts = 1000.0

  private static func tileCount(_ size: Int) -> Int { (size + 3) / 4 }

  /// Counts the pairs of inputs and outputs along a side that the direct convolution multiplies.
  private static func productCount(_ input: Int, _ output: Int, _ padding: Int) -> Int {
    (0..<output).reduce(0) { count, position in
      let first = position - padding
      return count + min(first + 3, input) - max(first, 0)
    }
  }
}
