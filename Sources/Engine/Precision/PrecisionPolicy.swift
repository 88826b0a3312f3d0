package import ResNet

/// Which precision a network runs in, as asked for.
package enum PrecisionPolicy: String, Sendable, CaseIterable {
  /// int8 where the model has a calibration and the CPU multiplies bytes (VNNI), else bf16 where the CPU
  /// multiplies it, else fp32.
  case auto
  case fp32
  case bf16
  case int8

  /// int8 without a calibration is refused when the network is compiled.
  package func precision(for calibration: Calibration?) -> Precision {
    switch self {
    case .fp32: return .fp32
    case .bf16: return .bf16
    case .int8: return .int8
    case .auto:
      if calibration != nil, Precision.int8.isNative { return .int8 }
      return Precision.bf16.isNative ? .bf16 : .fp32
    }
  }
}

extension Precision {
  /// Whether the CPU runs it by instructions of its own; what is supported besides is slower than fp32.
  package var isNative: Bool {
    switch self {
    case .fp32: true
    case .bf16: InstructionLevel.used.hasBFloat16Products
    case .int8: InstructionLevel.used.hasIntegerProducts
    }
  }

  /// Whether networks compile in it here and compute right numbers.
  package var isSupported: Bool { refusal == nil }

  /// Why they do not, and what to do.
  package var refusal: String? {
    switch self {
    case .fp32: return nil
    case .bf16:
      if InstructionLevel.used >= .avx512 { return nil }
      return "bf16 needs avx512 (fast from avx512_bf16 on); " + Self.advice
    case .int8:
      if InstructionLevel.used.hasIntegerProducts { return nil }
      return "int8 needs avx2_vnni, avx512_vnni or more, for sums of bytes saturate at 16 bits "
        + "without; " + Self.advice
    }
  }

  private static var advice: String {
    "this process uses \(InstructionLevel.description): take fp32, or auto, which chooses it here"
  }
}
