/// Limits on the cost of one image, both checked against its header before memory is taken.
package struct DecodingLimits: Sendable, Hashable {
  /// Pixels, width x height as stored. The default admits the default photographs of today's phones
  /// with room to spare.
  package var pixelCountLimit: Int
  /// Bytes held at once, by the decoder and by the steps from there to the finished input.
  package var decodedByteCountLimit: Int

  package static let defaultPixelCountLimit = 40_000_000
  package static let defaultDecodedByteCountLimit = 320 << 20

  /// Upper bound of every pixel limit, which keeps sizes in bytes far from the end of the range of
  /// integers.
  package static let pixelCountCeiling = 1 << 32

  package init(
    pixelCountLimit: Int = defaultPixelCountLimit,
    decodedByteCountLimit: Int = defaultDecodedByteCountLimit
  ) {
    self.pixelCountLimit = pixelCountLimit
    self.decodedByteCountLimit = decodedByteCountLimit
  }
}
