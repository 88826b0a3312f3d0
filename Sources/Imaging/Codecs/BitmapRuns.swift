/// Runs of indices, RLE8 and RLE4, from the lowest row on:
///
///     count  index               so many of one index (of two in turn, four bits each)
///     0  0                       end of the row
///     0  1                       end of the image
///     0  2  right  up            skipped pixels, which keep index 0
///     0  count  indices…         so many indices, padded to two bytes
struct BitmapRuns {
  private let bytes: EncodedBytes
  private let width: Int
  private let height: Int
  private let bitCount: Int
  private var offset: Int
  private var x = 0
  private var y = 0

  init(_ bytes: EncodedBytes, _ bitmap: BitmapHeader) {
    self.bytes = bytes
    (width, height, bitCount) = (bitmap.width, bitmap.height, bitmap.bitCount)
    offset = bitmap.pixelOffset
  }

  /// Fills `indices`, one byte a pixel, which are zero before. What exceeds a row is left out, as
  /// in Pillow.
  mutating func decode(into indices: inout PixelBuffer) throws(ImagingError) {
    // The end of the image may be left out after its last pixel.
    while y < height, !(y == height - 1 && x >= width && offset >= bytes.count) {
      let (count, value) = (try next(), try next())
      if count > 0 {
        put(count, into: &indices) { _ in value }
        continue
      }
      switch value {
      case 0: (x, y) = (0, y + 1)
      case 1: return
      case 2:
        x += try next()
        y += try next()
      default: try putLiterals(value, into: &indices)
      }
    }
  }

  private mutating func next() throws(ImagingError) -> Int {
    guard offset < bytes.count else { throw .truncated(format: .bmp) }
    defer { offset += 1 }
    return Int(bytes[offset])
  }

  private mutating func putLiterals(
    _ count: Int, into indices: inout PixelBuffer
  ) throws(ImagingError) {
    let byteCount = (count * bitCount + 7) / 8
    guard offset <= bytes.count, byteCount <= bytes.count - offset else {
      throw .truncated(format: .bmp)
    }
    let (start, bytes, bitCount) = (offset, bytes, bitCount)
    put(count, into: &indices) { position in
      Int(bytes[start + position * bitCount / 8])
    }
    offset += byteCount + byteCount % 2
  }

  /// Puts `count` indices, each from the byte that `byte` returns for its position.
  private mutating func put(
    _ count: Int, into indices: inout PixelBuffer, byte: (_ position: Int) -> Int
  ) {
    let kept = min(count, max(0, width - x))
    let start = y * width + x
    unsafe indices.withMutableBytes(0..<width * height) { target in
      for position in 0..<kept {
        let value = byte(position)
        let index = bitCount == 8 ? value : position % 2 == 0 ? value >> 4 : value & 15
        // SAFETY: y is below the height, and x plus what is kept at most the width.
        unsafe target[start + position] = UInt8(index)
      }
    }
    x += count
  }
}
