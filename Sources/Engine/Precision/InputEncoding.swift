/// Form of the images that a network runs on.
package enum InputEncoding: Sendable, Hashable {
  /// fp32 `[N, C, H, W]`.
  case planes
  /// fp32 `[N, H, W, C]`.
  case fp32
  /// bfloat16 `[N, H, W, C]`.
  case bf16
  /// Signed bytes `[N, H, W, C]`, each for `scale` times its distance from `zeroPoint`.
  case s8(scale: Float, zeroPoint: Int)
}

/// Order of the numbers of a network's input.
package enum InputOrder: Sendable {
  /// Row-major, fp32, whatever the network computes with.
  case planes
  /// The channels of a pixel next to each other, in the numbers that the network computes with:
  /// nothing is reordered.
  case pixels
}
