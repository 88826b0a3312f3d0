/// Limits of decoders in processes of their own.
package struct SandboxLimits: Sendable {
  /// Bytes that a decoder may take at any time; an image that needs more is granted it for that
  /// image alone.
  package var standingByteCount = 16 << 20
  /// Processor time of one image; beyond it the answer is 413, however much time the request has
  /// left.
  package var imageTimeout = Duration.seconds(10)
  /// Images after which a decoder is replaced, so that code that has taken it over does not stay.
  package var imageCountLimit = 256

  /// Bytes of the memory shared with a decoder that are kept between images; after a larger image
  /// the rest is given back.
  static let sharedByteCount = 4 << 20
  /// Bytes that decoding takes beside what an image's header announces: tables and buffers of the
  /// codecs.
  static let overheadByteCount = 4 << 20
  /// Bytes that a decoder's process itself takes: pages of the program that it writes to.
  static let processByteCount = 4 << 20
  /// Time that a new decoder may take to send its greeting.
  static let greetingTimeout = Duration.seconds(10)

  package init() {}

  /// Lowers `standingByteCount` to a sixteenth of a small budget, but no lower than small images
  /// need.
  package mutating func fit(_ budgetByteCount: Int) {
    standingByteCount = min(
      standingByteCount, max(2 * Self.overheadByteCount, budgetByteCount / 16))
  }

  /// Returns the bytes that a decoder of a budget of this size reserves for its whole life.
  package static func lastingByteCount(in budgetByteCount: Int) -> Int {
    var limits = SandboxLimits()
    limits.fit(budgetByteCount)
    return limits.lastingByteCount
  }

  /// Bytes that a decoder reserves for its whole life.
  package var lastingByteCount: Int {
    standingByteCount + Self.sharedByteCount + Self.processByteCount
  }
}
