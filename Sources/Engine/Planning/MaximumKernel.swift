import CKernels
package import ResNet

/// Maxima of the windows of a map by our own kernels; any thread may run it.
///
/// Activations lie with all channels next to each other, or some of them. A window that has a NaN
/// gives one, and +0 is larger than -0.
package struct MaximumKernel: Sendable {
  private let pooling: maximum_pooling
  private let instructions: KernelInstructions

  /// Describes the maxima of so many images; nil if the kernels cannot compute them, or are not
  /// known to be faster than oneDNN's.
  ///
  /// - Parameter channelBlock: Channels that lie next to each other; 0 means all.
  package init?(
    _ pooling: Pooling, _ number: Number, batch: Int, input: FeatureShape, output: FeatureShape,
    channelBlock: Int, threads: Int, instructions: KernelInstructions
  ) {
    let channels = channelBlock == 0 ? input.channels : channelBlock
    let blocks = (input.channels + channels - 1) / channels
    var description = maximum_pooling(
      images: Int64(batch * blocks), channels: Int64(channels),
      input_height: Int64(input.height), input_width: Int64(input.width),
      output_height: Int64(output.height), output_width: Int64(output.width),
      window_height: Int64(pooling.window.height), window_width: Int64(pooling.window.width),
      stride_height: Int64(pooling.stride.height), stride_width: Int64(pooling.stride.width),
      padding_top: Int64(pooling.padding.before.height),
      padding_left: Int64(pooling.padding.before.width), number: number.maximumNumber,
      threads: CInt(threads), instructions: instructions.number)
    guard instructions != .portable, unsafe maximum_pooling_computes(&description) else {
      return nil
    }
    self.pooling = description
    self.instructions = instructions
  }

  package var implementation: String { "maximum:\(instructions.rawValue)" }

  /// Runs on memory that is as large as the layouts say.
  package func run(source: UnsafeRawPointer, destination: UnsafeMutableRawPointer) {
    unsafe withUnsafePointer(to: pooling) { pooling in
      unsafe maximum_pooling_run(pooling, source, destination)
    }
  }
}

extension Number {
  fileprivate var maximumNumber: maximum_number {
    switch self {
    case .fp32: MAXIMUM_FP32
    case .bf16: MAXIMUM_BF16
    case .u8: MAXIMUM_U8
    case .s8: MAXIMUM_S8
    }
  }
}
