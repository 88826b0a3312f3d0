import CKernels
package import ResNet

/// A convolution on integers: of any kind for CPUs that have AVX2, but do not sum products of bytes in
/// 32 bits (VNNI), and by Winograd's filtering for CPUs that have AVX-512 and do.
///
/// Activations have the channels last. Sums are exact, by either algorithm: those of products of bytes.
package struct IntegerKernel: ConvolutionKernel {
  /// Way of computing a convolution.
  package enum Algorithm: Sendable, CaseIterable {
    /// By products of bytes whose sums fit 16 bits.
    case direct
    /// By Winograd's minimal filtering F(4x4, 3x3) and products of 16-bit integers.
    case winograd
  }

  /// Instructions that the kernels are compiled for.
  package enum Instructions: String, Sendable, CaseIterable {
    case avx2
    /// For `Algorithm.winograd` alone: oneDNN's kernels use VNNI themselves.
    case avx512VNNI = "avx512_vnni"

    /// Those that this process may use, slowest first.
    package static var available: [Instructions] {
      switch KernelInstructions.best {
      case .portable: []
      case .avx2: [.avx2]
      case .avx512: InstructionLevel.used >= .avx512VNNI ? [.avx2, .avx512VNNI] : [.avx2]
      }
    }

    /// Those with which this CPU computes int8 fastest; nil where oneDNN alone does. The tiles of AMX
    /// multiply eight times as many bytes at once as AVX-512 does 16-bit integers.
    package static var usual: Instructions? {
      let level = InstructionLevel.used
      guard level.multipliesBytes else { return available.first }
      return level < .avx512AMX ? available.first { $0 == .avx512VNNI } : nil
    }
  }

  private let layer: integer_layer
  private let instructions: Instructions

  /// Describes a convolution of so many images; nil if it cannot be computed so.
  package init?(
    _ convolution: Convolution, _ numbers: ConvolutionNumbers, zeroPoint: Int32 = 0,
    by algorithm: Algorithm, _ instructions: Instructions, batch: Int, input: FeatureShape,
    output: FeatureShape, threads: Int
  ) {
    let residual = numbers.residual ?? (numbers.destination, 1)
    guard Instructions.available.contains(instructions), Self.computes(convolution),
      convolution.addsResidual == (numbers.residual != nil),
      let source = numbers.source.integerNumber,
      let destination = numbers.destination.integerNumber,
      let residualNumber = residual.number.integerNumber
    else { return nil }
    var layer = integer_layer(
      instructions: instructions == .avx2 ? INTEGER_LAYER_AVX2 : INTEGER_LAYER_VNNI,
      images: Int64(batch), channels: Int64(input.channels), input_height: Int64(input.height),
      input_width: Int64(input.width), outputs: Int64(output.channels),
      output_height: Int64(output.height), output_width: Int64(output.width),
      kernel_height: Int64(convolution.kernel.height),
      kernel_width: Int64(convolution.kernel.width),
      stride_height: Int64(convolution.stride.height),
      stride_width: Int64(convolution.stride.width),
      dilation_height: Int64(convolution.dilation.height),
      dilation_width: Int64(convolution.dilation.width),
      padding_top: Int64(convolution.padding.before.height),
      padding_left: Int64(convolution.padding.before.width), source: source,
      residual: residualNumber, destination: destination, source_zero: zeroPoint,
      bounds: result_bounds(convolution.bounds), sum_bounds: result_bounds(convolution.sumBounds),
      adds_to_destination: convolution.addsResidual, residual_scale: residual.scale,
      applies_relu: convolution.appliesReLU, uses_winograd: algorithm == .winograd,
      threads: CInt(threads))
    guard unsafe integer_layer_computes(&layer) else { return nil }
    self.layer = layer
    self.instructions = instructions
  }

  /// Tells whether the kernels compute such a convolution, directly at least.
  static func computes(_ convolution: Convolution) -> Bool { convolution.groups == 1 }

  package var implementation: String {
    (layer.uses_winograd ? "integers:winograd:" : "integers:") + instructions.rawValue
  }

  /// Returns the bytes of scratch memory that a convolution needs at most, by whichever algorithm:
  /// which one it is the weights decide.
  static func scratchpadByteCount(
    _ convolution: Convolution, on instructions: Instructions, batch: Int, input: FeatureShape,
    output: FeatureShape
  ) -> Int {
    let numbers = ConvolutionNumbers(
      source: .u8, destination: .u8, residual: convolution.addsResidual ? (.u8, 1) : nil)
    return Algorithm.allCases.compactMap { algorithm in
      IntegerKernel(
        convolution, numbers, by: algorithm, instructions, batch: batch, input: input,
        output: output, threads: 1)?.scratchpadByteCount
    }.max() ?? 0
  }

  package var scratchpadByteCount: Int {
    unsafe withLayer { unsafe Int(integer_layer_scratch_byte_count($0)) }
  }

  /// Tells whether Winograd's filtering is exact for weights `[K, C, 3, 3]` and any source.
  package func isExact(for weight: [Int8]) -> Bool {
    unsafe withLayer { unsafe integer_layer_is_exact($0, weight) }
  }

  /// Packs weights `[K, C, kernel height, kernel width]`, and the bias in units of their sums, which
  /// are multiplied by `scales` `[K]` then, for every batch size and number of threads.
  package func pack(
    _ weight: [Int8], shape: [Int], bias: [Float]?, scales: [Float], for name: String
  ) throws(EngineError) -> AlignedMemory {
    precondition(
      shape.map(Int64.init) == [
        layer.outputs, layer.channels, layer.kernel_height, layer.kernel_width,
      ], "weights must be those of the convolution")
    let count = unsafe withLayer { unsafe Int(integer_layer_weight_byte_count($0, weight)) }
    let memory = try AlignedMemory(byteCount: count, for: name)
    // SAFETY: the memory has the room that the kernel asks for, the shape was checked.
    unsafe withLayer { unsafe integer_layer_pack($0, weight, bias, scales, memory.base) }
    return memory
  }

  package func run(
    source: UnsafeMutableRawPointer, weights: UnsafeRawPointer,
    destination: UnsafeMutableRawPointer, scratchpad: UnsafeMutableRawPointer
  ) {
    unsafe withLayer { unsafe integer_layer_run($0, source, weights, destination, scratchpad) }
  }

  private func withLayer<Result>(_ body: (UnsafePointer<integer_layer>) -> Result) -> Result {
    unsafe withUnsafePointer(to: layer) { unsafe body($0) }
  }
}

extension Number {
  fileprivate var integerNumber: integer_layer_number? {
    switch self {
    case .u8: INTEGER_LAYER_U8
    case .s8: INTEGER_LAYER_S8
    case .fp32: INTEGER_LAYER_F32
    default: nil
    }
  }
}
