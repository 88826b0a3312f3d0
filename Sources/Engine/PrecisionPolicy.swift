import COneDNN
package import ResNet

/// Which precision a network runs in, as asked for.
package enum PrecisionPolicy: String, Sendable, CaseIterable {
  /// int8 where the model has a calibration and the CPU multiplies bytes (VNNI), else bf16 where the CPU
  /// multiplies it, else fp32.
  case auto
  case fp32
  case bf16
  case int8

  /// Whether the CPU runs a precision by instructions of its own.
  package static func isNative(_ precision: Precision) -> Bool {
    switch precision {
    case .fp32: true
    case .bf16: onednn_has_bfloat16_products()
    case .int8: onednn_has_integer_products()
    }
  }

  /// int8 without a calibration is refused when the network is compiled.
  package func precision(for calibration: Calibration?) -> Precision {
    switch self {
    case .fp32: return .fp32
    case .bf16: return .bf16
    case .int8: return .int8
    case .auto:
      if calibration != nil, Self.isNative(.int8) { return .int8 }
      return Self.isNative(.bf16) ? .bf16 : .fp32
    }
  }
}
