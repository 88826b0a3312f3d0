/// What decoders in processes of their own may take.
package struct SandboxLimits: Sendable {
  /// Bytes that a decoder may take at any time; what an image needs beyond them is granted to it for that image alone.
  package var standingByteCount = 16 << 20
  /// Processor time of one image; beyond it 413, whatever time the request has.
  package var imageTimeout = Duration.seconds(10)
  /// Images after which a decoder is replaced by a new one, so that what has taken it over does not stay.
  package var imageCountLimit = 256

  /// Bytes of memory shared with a decoder that are kept between images; larger images give the rest back.
  static let sharedByteCount = 4 << 20
  /// Bytes that decoding takes beside what an image's header foretells: tables and buffers of the codecs.
  static let overheadByteCount = 4 << 20
  /// Bytes that a decoder's process itself takes: pages of the program that it has written to.
  static let processByteCount = 4 << 20
  /// How long a new decoder may take to say that it is there.
  static let greetingTimeout = Duration.seconds(10)

  package init() {}

  /// Less where the budget for all is small: a sixteenth of it, but as much as small images need.
  package mutating func fit(_ budgetByteCount: Int) {
    standingByteCount = min(
      standingByteCount, max(2 * Self.overheadByteCount, budgetByteCount / 16))
  }

  /// Bytes that a decoder reserves for its life.
  var lastingByteCount: Int {
    standingByteCount + Self.sharedByteCount + Self.processByteCount
  }
}
