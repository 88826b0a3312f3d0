package import COneDNN

/// Type of a tensor's elements.
package enum Number: Sendable {
  case fp32
  case bf16
  /// Signed and unsigned 8-bit integers, which a scale turns into values.
  case s8
  case u8

  package var code: onednn_number {
    switch self {
    case .fp32: ONEDNN_FLOAT32
    case .bf16: ONEDNN_BFLOAT16
    case .s8: ONEDNN_SIGNED8
    case .u8: ONEDNN_UNSIGNED8
    }
  }

  /// Bytes of an element.
  package var byteCount: Int {
    switch self {
    case .fp32: 4
    case .bf16: 2
    case .s8, .u8: 1
    }
  }

  /// The largest integer of the type; nil for floating point.
  var largest: Float? {
    switch self {
    case .fp32, .bf16: nil
    case .s8: 127
    case .u8: 255
    }
  }
}
