import CKernels
package import ResNet

/// 3x3 convolution of stride 1 by our own kernels; any thread may run it.
///
/// Activations lie with `channelBlock` channels next to each other, or with all of them (channels
/// last). Bias, residual sum and ReLU are part of it. They are fp32 or bf16; sums are fp32.
package struct WinogradKernel: ConvolutionKernel {
  private let convolution: winograd_convolution
  let instructions: KernelInstructions

  /// Tells whether the kernels can compute such a convolution at all.
  package static func computes(_ convolution: Convolution) -> Bool {
    convolution.kernel == Extent(3) && convolution.stride == Extent(1)
      && convolution.dilation == Extent(1) && convolution.groups == 1
      && convolution.padding.isSymmetric
  }

  /// Numbers that a 3x3 filter is transformed into.
  package static let transformedCount = 36

  /// Counts the tiles of four outputs along a side of the input.
  static func tileCount(_ size: Int, padding: Int) -> Int { (size + 2 * padding - 2 + 3) / 4 }

  /// Describes a convolution that the kernels can compute.
  package init(
    _ convolution: Convolution, batch: Int, input: FeatureShape, channelsLast: Bool, number: Number,
    threads: Int,
    instructions: KernelInstructions
  ) {
    precondition(Self.computes(convolution), "the kernels must be able to compute the convolution")
    self.instructions = instructions
    self.convolution = winograd_convolution(
      batch: Int64(batch), input_channels: Int64(input.channels),
      input_height: Int64(input.height), input_width: Int64(input.width),
      output_channels: Int64(convolution.outputChannels),
      padding_height: Int64(convolution.padding.before.height),
      padding_width: Int64(convolution.padding.before.width),
      bounds: result_bounds(convolution.bounds),
      sum_bounds: result_bounds(convolution.sumBounds),
      adds_to_destination: convolution.addsResidual, applies_relu: convolution.appliesReLU,
      channels_last: channelsLast, bfloat16: number == .bf16, threads: CInt(threads),
      instructions: instructions.number)
  }

  package var implementation: String { "winograd:\(instructions.rawValue)" }

  package var scratchpadByteCount: Int {
    unsafe withConvolution { unsafe Int(winograd_scratch_byte_count($0)) }
  }

  /// Transforms weights `[K, C, 3, 3]` and bias `[K]` for every batch size and number of threads.
  func pack(
    _ source: LayerParameters, for name: String
  ) throws(EngineError) -> AlignedMemory {
    let count = unsafe withConvolution { unsafe Int(winograd_weight_count($0)) }
    let memory = try AlignedMemory(byteCount: count * MemoryLayout<Float>.stride, for: name)
    precondition(
      source.shape.suffix(2) == [3, 3] && source.shape.count == 4, "weights must be [K, C, 3, 3]")
    // SAFETY: the memory has the room that the kernel asks for, the shape was checked.
    unsafe withConvolution { convolution in
      unsafe winograd_weights_pack(
        convolution, source.weight, source.bias, memory.base.assumingMemoryBound(to: Float.self))
    }
    return memory
  }

  /// Bytes of packed weights and bias.
  package var weightByteCount: Int {
    unsafe withConvolution { unsafe Int(winograd_weight_count($0)) } * MemoryLayout<Float>.stride
  }

  /// Transforms filters `[3][3][C][K]` as training has them; `turned` ones, `[3][3][K][C]` of
  /// another convolution, for its source's gradient. The memory is that of `weightByteCount`, and
  /// the bias at its end is left as it is.
  ///
  /// - Parameter outputs: Output channels to pack, from a multiple of `packedChannels` on.
  package func pack(
    _ filters: UnsafePointer<Float>, turned: Bool, outputs: Range<Int>,
    into weights: UnsafeMutablePointer<Float>
  ) {
    precondition(
      outputs.lowerBound.isMultiple(of: Self.packedChannels), "pairs of blocks lie together")
    unsafe withConvolution { convolution in
      unsafe training_pack_winograd(
        convolution, filters, turned, Int64(outputs.lowerBound), Int64(outputs.count), weights)
    }
  }

  /// Output channels that can be packed apart from others, for every instruction set.
  package static let packedChannels = 64

  /// Channels of the result.
  package var outputChannels: Int { Int(convolution.output_channels) }

  /// Runs on memory that is as large as the layouts and `scratchpadByteCount` say.
  package func run(
    source: UnsafeMutableRawPointer, weights: UnsafePointer<Float>,
    destination: UnsafeMutableRawPointer, scratchpad: UnsafeMutableRawPointer
  ) {
    unsafe withConvolution { convolution in
      unsafe winograd_run(convolution, source, weights, destination, scratchpad)
    }
  }

  /// Bytes of scratch memory that `passToFilters` needs.
  package var gradientScratchpadByteCount: Int {
    unsafe withConvolution { unsafe Int(winograd_gradient_scratch_byte_count($0)) }
  }

  /// Computes the filters' gradient `[3][3][C][K]`, in fp32, from the source and the gradient of the
  /// convolution without bias, residual sum and ReLU, both with the channels last. All memory is as
  /// large as the layouts and `gradientScratchpadByteCount` say.
  package func passToFilters(
    source: UnsafeRawPointer, gradient: UnsafeRawPointer,
    filters: UnsafeMutablePointer<Float>, scratchpad: UnsafeMutableRawPointer
  ) {
    precondition(convolution.channels_last, "channels must be last")
    unsafe withConvolution { convolution in
      unsafe winograd_gradient_run(convolution, source, gradient, filters, scratchpad)
    }
  }

  package func run(
    source: UnsafeMutableRawPointer, weights: UnsafeRawPointer,
    destination: UnsafeMutableRawPointer, scratchpad: UnsafeMutableRawPointer
  ) {
    unsafe run(
      source: source, weights: weights.assumingMemoryBound(to: Float.self),
      destination: destination, scratchpad: scratchpad)
  }

  private func withConvolution<Result>(
    _ body: (UnsafePointer<winograd_convolution>) -> Result
  ) -> Result {
    unsafe withUnsafePointer(to: convolution) { unsafe body($0) }
  }
}
