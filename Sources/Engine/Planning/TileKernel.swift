import CKernels
package import ResNet

/// A convolution in bf16 or on integers by the tiles of AMX.
///
/// Activations have the channels last; sums of bf16 are fp32.
package struct TileKernel: ConvolutionKernel {
  private let layer: tile_layer

  /// Describes a convolution of so many images; nil if it cannot be computed here.
  package init?(
    _ convolution: Convolution, _ numbers: ConvolutionNumbers, batch: Int, input: FeatureShape,
    output: FeatureShape, threads: Int
  ) {
    let residual = numbers.residual ?? (numbers.destination, 1)
    let all = [numbers.source, numbers.destination, residual.number]
    guard all.allSatisfy({ $0 == .bf16 }) || all.allSatisfy({ $0 == .u8 || $0 == .s8 }),
      convolution.addsResidual == (numbers.residual != nil),
      let description = Tiles.description(
        convolution, batch: batch, input: input, output: output)
    else { return nil }
    var layer = tile_layer(
      convolution: description, source: numbers.source.tileNumber,
      residual: residual.number.tileNumber, destination: numbers.destination.tileNumber,
      bounds: result_bounds(convolution.bounds), sum_bounds: result_bounds(convolution.sumBounds),
      adds_to_destination: convolution.addsResidual, residual_scale: residual.scale,
      applies_relu: convolution.appliesReLU, threads: CInt(threads))
    guard unsafe tile_layer_computes(&layer) else { return nil }
    self.layer = layer
  }

  package var implementation: String { "tiles:\(InstructionLevel.avx512AMX.rawValue)" }

  package var scratchpadByteCount: Int {
    unsafe withUnsafePointer(to: layer) { unsafe Int(tile_layer_scratch_byte_count($0)) }
  }

  /// Packs weights `[K, C, kernel height, kernel width]` and bias `[K]` for every batch size and
  /// number of threads.
  package func pack(
    _ source: LayerParameters, for name: String
  ) throws(EngineError) -> AlignedMemory {
    precondition(layer.source == TILE_BF16, "integers are packed with their scales")
    return try pack(source.weight, source.shape, bias: source.bias, scales: nil, for: name)
  }

  /// Packs weights of integers and the bias in units of their sums, which are multiplied by
  /// `scales` `[K]` then.
  package func pack(
    _ weight: [Int8], shape: [Int], bias: [Float]?, scales: [Float], for name: String
  ) throws(EngineError) -> AlignedMemory {
    precondition(layer.source != TILE_BF16, "bf16 has no scales")
    return try pack(weight, shape, bias: bias, scales: scales, for: name)
  }

  private func pack<Element: BitwiseCopyable>(
    _ weight: [Element], _ shape: [Int], bias: [Float]?, scales: [Float]?, for name: String
  ) throws(EngineError) -> AlignedMemory {
    let expected = [
      layer.convolution.outputs, layer.convolution.channels, layer.convolution.kernel_height,
      layer.convolution.kernel_width,
    ]
    precondition(shape.map(Int64.init) == expected, "weights must be those of the convolution")
    let count = unsafe withUnsafePointer(to: layer) {
      unsafe Int(tile_layer_weight_byte_count($0))
    }
    let memory = try AlignedMemory(byteCount: count, for: name)
    // SAFETY: the memory has the room that the kernel asks for, the shape was checked.
    unsafe withUnsafePointer(to: layer) { layer in
      unsafe tile_layer_pack(layer, weight, bias, scales, memory.base)
    }
    return memory
  }

  package func run(
    source: UnsafeMutableRawPointer, weights: UnsafeRawPointer,
    destination: UnsafeMutableRawPointer, scratchpad: UnsafeMutableRawPointer
  ) {
    unsafe withUnsafePointer(to: layer) { layer in
      unsafe tile_layer_run(layer, source, weights, destination, scratchpad)
    }
  }
}

extension Number {
  fileprivate var tileNumber: tile_number {
    switch self {
    case .u8: TILE_U8
    case .s8: TILE_S8
    default: TILE_BF16
    }
  }
}
