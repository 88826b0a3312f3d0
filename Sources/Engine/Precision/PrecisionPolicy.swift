package import ResNet

/// Requested precision of a network.
package enum PrecisionPolicy: String, Sendable, CaseIterable {
  /// int8 if the model has a calibration and the CPU has AVX2, else bf16 if the CPU multiplies it,
  /// else fp32.
  case auto
  case fp32
  case bf16
  case int8

  /// Chooses the precision. int8 without a calibration is refused when the network is compiled.
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
  /// Whether the CPU has instructions for it; a precision that is supported without them is slower
  /// than fp32.
  package var isNative: Bool {
    switch self {
    case .fp32: true
    case .bf16: InstructionLevel.used.hasBFloat16Products
    case .int8: InstructionLevel.used.multipliesBytes || IntegerKernel.Instructions.usual != nil
    }
  }

  /// Whether networks compile in it here and compute correct numbers.
  package var isSupported: Bool { refusal == nil }

  /// Reason why it is not supported, and what to do; nil if it is.
  package var refusal: String? {
    switch self {
    case .fp32: return nil
    case .bf16:
      if InstructionLevel.used >= .avx512 { return nil }
      return "bf16 needs avx512 (fast from avx512_bf16 on); " + Self.advice
    case .int8:
      if isNative { return nil }
      return "int8 needs avx2; " + Self.advice
    }
  }

  private static var advice: String {
    "this process uses \(InstructionLevel.description): choose fp32, or auto, which takes it here"
  }
}
