/// What the images that a network runs on are made of.
package enum InputEncoding: Sendable, Hashable {
  /// fp32 `[N, C, H, W]`.
  case planes
  /// fp32 `[N, H, W, C]`.
  case fp32
  /// bfloat16 `[N, H, W, C]`.
  case bf16
  /// Signed bytes `[N, H, W, C]`, whose distance from the one for zero stands for so much.
  case s8(scale: Float, zeroPoint: Int)
}

/// The order in which a network's input lies.
package enum InputOrder: Sendable {
  /// Row-major, fp32, whatever the network computes with.
  case planes
  /// The channels of a pixel beside each other, as the network computes with them: nothing is reordered.
  case pixels
}
