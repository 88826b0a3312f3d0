/// What one image may cost. Both are checked against the header, before memory is taken.
package struct DecodingLimits: Sendable, Hashable {
  /// Width x height as stored. The default takes what today's telephones make by default, with
  /// room.
  package var pixelCountLimit: Int
  /// Bytes held at once by the decoder, or by what lies between decoding and the finished input.
  package var decodedByteCountLimit: Int

  package static let defaultPixelCountLimit = 40_000_000
  package static let defaultDecodedByteCountLimit = 320 << 20

  /// No limit reaches higher, so that sizes in bytes stay far from the range of integers.
  package static let pixelCountCeiling = 1 << 32

  package init(
    pixelCountLimit: Int = defaultPixelCountLimit,
    decodedByteCountLimit: Int = defaultDecodedByteCountLimit
  ) {
    self.pixelCountLimit = pixelCountLimit
    self.decodedByteCountLimit = decodedByteCountLimit
  }
}
