/// Form in which a network takes its pixels: type of the numbers, and their order in memory.
package enum PixelEncoding: Sendable, Hashable {
  /// fp32 in planes, `[C, H, W]`.
  case planes
  /// fp32, the channels of a pixel next to each other, `[H, W, C]`.
  case fp32
  /// The same in bfloat16, rounded to nearest even.
  case bf16
  /// The same in signed bytes, each for `scale` times its distance from `zeroPoint`; rounded to
  /// nearest even and clamped.
  case s8(scale: Float, zeroPoint: Int)

  /// Bytes of one number.
  package var byteCount: Int {
    switch self {
    case .planes, .fp32: 4
    case .bf16: 2
    case .s8: 1
    }
  }
}
