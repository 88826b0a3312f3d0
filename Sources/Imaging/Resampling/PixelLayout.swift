/// Form of an image's pixels between the decoder and the network's numbers.
enum PixelLayout: Hashable {
  /// RGB, a byte each.
  case colours
  /// So many samples of two bytes each, which are at most `top`: 255 or 65535.
  case bands(count: Int, top: UInt16)

  /// Bytes of one pixel.
  var pixelByteCount: Int {
    switch self {
    case .colours: 3
    case .bands(let count, _): 2 * count
    }
  }

  /// Bytes of so many numbers that may be read beyond the last pixel of a row.
  var readAheadByteCount: Int { self == .colours ? Resampling.readAheadByteCount : 0 }
}
