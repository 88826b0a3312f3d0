import CImageCodec

/// Decoder of a BMP, row by row from the top.
final class BitmapReader {
  let header: image_codec_header
  private let bitmap: BitmapHeader
  private let bytes: EncodedBytes
  private var backdrop = image_codec_backdrop()
  /// Indices of the whole image, from the lowest row on, if it is made of runs.
  private var indices: PixelBuffer?
  private var row: PixelBuffer?
  private var nextRow = 0

  /// Reads the headers. The bytes must stay in place for as long as the reader lives.
  init(_ bytes: EncodedBytes) throws(ImagingError) {
    self.bytes = bytes
    bitmap = try BitmapHeader(bytes)
    var header = image_codec_header()
    header.width = UInt32(bitmap.width)
    header.height = UInt32(bitmap.height)
    header.orientation = 1
    header.bit_depth = UInt8(min(bitmap.bitCount, 8))
    header.has_alpha = bitmap.masks.count == 4 && bitmap.masks[3].bitCount > 0
    header.colour = IMAGE_CODEC_COLOUR_RGB
    let area = UInt64(bitmap.width) * UInt64(bitmap.height)
    header.decoding_byte_count =
      4 * UInt64(bitmap.width) + (bitmap.compression == .runs ? area : 0)
    self.header = header
  }

  /// Takes the memory that decoding needs, and checks that the pixels are there.
  func start(_ backdrop: image_codec_backdrop) throws(ImagingError) {
    self.backdrop = backdrop
    row = try PixelBuffer(count: 4 * bitmap.width)
    guard bitmap.compression == .none else {
      var indices = try PixelBuffer(count: bitmap.width * bitmap.height)
      var runs = BitmapRuns(bytes, bitmap)
      try runs.decode(into: &indices)
      self.indices = consume indices
      return
    }
    // The last row's padding may be missing.
    let byteCount =
      bitmap.rowByteCount * (bitmap.height - 1) + (bitmap.width * bitmap.bitCount + 7) / 8
    guard bitmap.pixelOffset <= bytes.count, byteCount <= bytes.count - bitmap.pixelOffset else {
      throw .truncated(format: .bmp)
    }
  }

  /// Writes the next row, three bytes a pixel.
  func readRow(_ target: UnsafeMutablePointer<UInt8>) throws(ImagingError) {
    guard nextRow < bitmap.height else {
      throw .corrupt(format: .bmp, reason: "it has no more rows")
    }
    let stored = bitmap.isTopDown ? nextRow : bitmap.height - 1 - nextRow
    nextRow += 1
    if bitmap.compression == .runs {
      unsafe indices?.withBytes(stored * bitmap.width..<(stored + 1) * bitmap.width) { indices in
        unsafe expand(indices, bitCount: 8, target)
      }
      return
    }
    let start = bitmap.pixelOffset + stored * bitmap.rowByteCount
    let end = start + (bitmap.width * bitmap.bitCount + 7) / 8
    unsafe bytes.withBytes(in: start..<end) { pixels in
      switch bitmap.bitCount {
      case 1, 2, 4, 8: unsafe expand(pixels, bitCount: bitmap.bitCount, target)
      case 24: unsafe image_codec_reverse_colours(pixels, target, bitmap.width)
      default: unsafe readMasked(pixels, target)
      }
    }
  }

  // SAFETY: the palette has colours for all indices of eight bits, and both rows the image's width.
  private func expand(
    _ indices: UnsafePointer<UInt8>, bitCount: Int, _ target: UnsafeMutablePointer<UInt8>
  ) {
    unsafe bitmap.palette.withUnsafeBufferPointer { palette in
      guard let colours = palette.baseAddress else { return }
      unsafe image_codec_expand_indices(
        colours, indices, UInt32(bitCount), target, bitmap.width)
    }
  }

  // SAFETY: both rows have the image's width.
  private func readMasked(
    _ stored: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>
  ) {
    let byteCount = bitmap.bitCount / 8
    let (masks, width, hasAlpha) = (bitmap.masks, bitmap.width, header.has_alpha)
    let places =
      masks.prefix(3).compactMap(\.byte) + [hasAlpha ? masks[3].byte : 4].compactMap(\.self)
    unsafe row?.withMutableBytes(0..<4 * width) { pixels in
      if byteCount == 4, places.count == 4 {
        unsafe image_codec_pick_bytes(stored, places, pixels, width)
        return unsafe image_codec_compose_row(pixels, target, width, backdrop)
      }
      for x in 0..<width {
        let place = unsafe stored + byteCount * x
        var pixel = unsafe UInt32(place[0]) | UInt32(place[1]) << 8
        if byteCount == 4 { pixel |= unsafe UInt32(place[2]) << 16 | UInt32(place[3]) << 24 }
        for channel in 0..<3 { unsafe pixels[4 * x + channel] = masks[channel].value(pixel) }
        unsafe pixels[4 * x + 3] = hasAlpha ? masks[3].value(pixel) : 255
      }
      unsafe image_codec_compose_row(pixels, target, width, backdrop)
    }
  }
}
