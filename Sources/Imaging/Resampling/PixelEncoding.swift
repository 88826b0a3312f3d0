/// How a network takes its pixels: the numbers, and their order in memory.
package enum PixelEncoding: Sendable, Hashable {
  /// fp32 in three planes, `[3, H, W]`.
  case planes
  /// fp32, the channels of a pixel beside each other, `[H, W, 3]`.
  case fp32
  /// The same in bfloat16, rounded to nearest even.
  case bf16
  /// The same in signed bytes, whose distance from the one for zero stands for so much; rounded to nearest even and
  /// clamped.
  case s8(scale: Float, zeroPoint: Int)

  /// Of one number.
  package var byteCount: Int {
    switch self {
    case .planes, .fp32: 4
    case .bf16: 2
    case .s8: 1
    }
  }
}
