import CKernels
package import ResNet

/// The gradient of a convolution's filters from bf16 by the tiles of AMX; any thread may run it.
///
/// oneDNN 2.6.3 computes it at a tenth of what tiles can do where maps are small or strides are 2.
/// Milliseconds for a shard on one core of an Intel Xeon (model 207), 32 images, of 8 for sizes from
/// 56 down to 7:
///
///     channels, size        64, 56  128, 28  256, 14  512, 7  32, 32  64, 16  128, 8  256, 4
///     oneDNN                   2.6      1.9      7.7     6.4     1.0     1.1     1.5     4.2
///     these                    2.3      2.1      2.8     4.2     0.9     0.9     1.2     1.0
///     stride 2, twice the outputs:
///     oneDNN                   2.3      3.6      7.3             1.2     1.9     3.5
///     these                    1.9      1.9      2.8             0.8     0.6     1.0
package struct TileGradient: Sendable {
  private let convolution: tile_convolution

  /// Describes a convolution of so many images; nil if it cannot be computed here.
  package init?(
    _ convolution: Convolution, batch: Int, input: FeatureShape, output: FeatureShape
  ) {
    guard !convolution.hasBias,
      var described = Tiles.description(convolution, batch: batch, input: input, output: output),
      unsafe tile_gradient_computes(&described)
    else { return nil }
    self.convolution = described
  }

  package var scratchpadByteCount: Int {
    unsafe withUnsafePointer(to: convolution) { unsafe Int(tile_gradient_scratch_byte_count($0)) }
  }

  /// Computes the filters' gradient `[kernel height][kernel width][C][K]`, in fp32, from source and
  /// gradient in bf16 with the channels last. All memory is as large as the shapes and
  /// `scratchpadByteCount` say.
  package func run(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer, filters: UnsafeMutablePointer<Float>,
    scratchpad: UnsafeMutableRawPointer
  ) {
    unsafe withUnsafePointer(to: convolution) { convolution in
      unsafe tile_gradient_run(convolution, source, gradient, filters, scratchpad)
    }
  }
}
