/// Number of pixels that an encoded image claims in its header.
///
/// For counting only: whether the bytes are an image is for the decoder to say. JPEG: ITU T.81,
/// annex B; PNG: section 11.2.2; WebP: RFC 9649, section 2; GIF89a, sections 18 and 20; TIFF 6.0,
/// section 2; AVIF and HEIC: ISO/IEC 23008-12, section 6.5.3.
enum StoredPixels {
  /// Returns width x height, or nil if no header gives them.
  static func count(_ bytes: ArraySlice<UInt8>) -> Int? {
    let size =
      png(bytes) ?? webP(bytes) ?? jpeg(bytes) ?? gif(bytes) ?? bmp(bytes) ?? tiff(bytes)
      ?? imageItem(bytes)
    return size.map { size in
      let (count, overflow) = size.width.multipliedReportingOverflow(by: size.height)
      return overflow ? .max : count
    }
  }

  typealias Size = (width: Int, height: Int)

  static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> Int {
    let start = bytes.startIndex + offset
    return bytes[start..<start + count].reduce(0) { $0 << 8 | Int($1) }
  }

  static func littleNumber(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> Int {
    bytes.dropFirst(offset).prefix(count).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  static func holds(_ bytes: ArraySlice<UInt8>, _ text: String, at offset: Int) -> Bool {
    bytes.dropFirst(offset).starts(with: text.utf8)
  }

  private static func png(_ bytes: ArraySlice<UInt8>) -> Size? {
    guard bytes.count >= 24, bytes.first == 0x89, holds(bytes, "PNG\r\n\u{1a}\n", at: 1) else {
      return nil
    }
    return (number(bytes, 16, 4), number(bytes, 20, 4))
  }

  private static func webP(_ bytes: ArraySlice<UInt8>) -> Size? {
    // A lossless image may be as short as 26 bytes; bytes beyond the end read as zeros.
    guard bytes.count >= 21, holds(bytes, "RIFF", at: 0), holds(bytes, "WEBPVP8", at: 8) else {
      return nil
    }
    switch number(bytes, 15, 1) {
    case Int(UInt8(ascii: "X")):
      return (littleNumber(bytes, 24, 3) + 1, littleNumber(bytes, 27, 3) + 1)
    case Int(UInt8(ascii: "L")):
      let bits = littleNumber(bytes, 21, 4)
      return ((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)
    default: return (littleNumber(bytes, 26, 2) & 0x3fff, littleNumber(bytes, 28, 2) & 0x3fff)
    }
  }

  /// Limit of marker segments and of blocks that are searched; files have some tens.
  static let segmentCountLimit = 1 << 16

  /// Returns the size in the first frame header among the marker segments.
  private static func jpeg(_ bytes: ArraySlice<UInt8>) -> Size? {
    guard bytes.starts(with: [0xff, 0xd8]) else { return nil }
    var position = bytes.startIndex + 2
    for _ in 0..<segmentCountLimit {
      guard position + 9 <= bytes.endIndex else { return nil }
      guard bytes[position] == 0xff else {
        position += 1
        continue
      }
      let marker = bytes[position + 1]
      switch marker {
      // Fill bytes, and markers that stand alone.
      case 0xff: position += 1
      case 0x00, 0x01, 0xd0...0xd8: position += 2
      case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf:
        let offset = position - bytes.startIndex
        return (number(bytes, offset + 7, 2), number(bytes, offset + 5, 2))
      case 0xd9, 0xda: return nil
      default: position += 2 + max(2, number(bytes, position - bytes.startIndex + 2, 2))
      }
    }
    return nil
  }
}
