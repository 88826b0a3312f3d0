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
        for x in 0..<bitmap.width { unsafe write(index: Int(indices[x]), to: target + 3 * x) }
      }
      return
    }
    let start = bitmap.pixelOffset + stored * bitmap.rowByteCount
    switch bitmap.bitCount {
    case 1, 2, 4, 8:
      let bitCount = bitmap.bitCount
      for x in 0..<bitmap.width {
        let bit = x * bitCount
        let shift = 8 - bitCount - bit % 8
        let index = Int(bytes[start + bit / 8]) >> shift & (1 << bitCount - 1)
        unsafe write(index: index, to: target + 3 * x)
      }
    case 24:
      for x in 0..<bitmap.width {
        for channel in 0..<3 {
          unsafe target[3 * x + channel] = bytes[start + 3 * x + 2 - channel]
        }
      }
    default: unsafe readMasked(start, target)
    }
  }

  // SAFETY: `target` has room for a pixel, and an index has at most eight bits.
  private func write(index: Int, to target: UnsafeMutablePointer<UInt8>) {
    for channel in 0..<3 { unsafe target[channel] = bitmap.palette[3 * index + channel] }
  }

  private func readMasked(_ start: Int, _ target: UnsafeMutablePointer<UInt8>) {
    let byteCount = bitmap.bitCount / 8
    let (masks, width) = (bitmap.masks, bitmap.width)
    unsafe row?.withMutableBytes(0..<4 * width) { pixels in
      for x in 0..<width {
        let pixel = UInt32(bytes.number(at: start + byteCount * x, byteCount))
        for channel in 0..<3 { unsafe pixels[4 * x + channel] = masks[channel].value(pixel) }
        unsafe pixels[4 * x + 3] = header.has_alpha ? masks[3].value(pixel) : 255
      }
      unsafe image_codec_compose_row(pixels, target, width, backdrop)
    }
  }
}
