import CKernels
import ResNet

/// The tiles of AMX, for bf16 and bytes.
package enum Tiles {
  /// Whether this process may use them.
  package static let areAvailable = InstructionLevel.used >= .avx512AMX && tiles_prepare()

  /// Describes a convolution of so many images as the kernels want it; nil where none computes it.
  static func description(
    _ convolution: Convolution, batch: Int, input: FeatureShape, output: FeatureShape
  ) -> tile_convolution? {
    guard areAvailable, convolution.groups == 1, convolution.dilation == Extent(1),
      convolution.stride.height == convolution.stride.width
    else { return nil }
    return tile_convolution(
      images: Int64(batch), channels: Int64(input.channels), input_height: Int64(input.height),
      input_width: Int64(input.width), outputs: Int64(output.channels),
      output_height: Int64(output.height), output_width: Int64(output.width),
      kernel_height: Int64(convolution.kernel.height),
      kernel_width: Int64(convolution.kernel.width), stride: Int64(convolution.stride.height),
      padding_top: Int64(convolution.padding.before.height),
      padding_left: Int64(convolution.padding.before.width))
  }
}
