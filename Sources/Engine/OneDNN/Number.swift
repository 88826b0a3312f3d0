import COneDNN

/// What the elements of a tensor are.
enum Number: Sendable {
  case fp32
  case bf16
  /// Signed and unsigned integers of 8 bits, which a scale turns into values.
  case s8
  case u8

  var code: onednn_number {
    switch self {
    case .fp32: ONEDNN_FLOAT32
    case .bf16: ONEDNN_BFLOAT16
    case .s8: ONEDNN_SIGNED8
    case .u8: ONEDNN_UNSIGNED8
    }
  }

  /// Of integers, the largest; nil for the others.
  var largest: Float? {
    switch self {
    case .fp32, .bf16: nil
    case .s8: 127
    case .u8: 255
    }
  }
}
