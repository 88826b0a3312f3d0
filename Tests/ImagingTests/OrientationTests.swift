import Imaging
import Testing

/// Blocks of EXIF that are larger than a JPEG could hold, and lie anywhere.
struct OrientationTests {
  /// Number of bytes between the block's header and its first directory.
  private static let distance = 200_000

  /// EXIF whose only entry follows after `distance` bytes.
  private static func block(orientation: UInt8, isBigEndian: Bool) -> [UInt8] {
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return isBigEndian ? bytes.reversed() : bytes
    }
    return Array((isBigEndian ? "MM" : "II").utf8) + number(42, 2) + number(8 + distance, 4)
      + [UInt8](repeating: 0xAB, count: distance) + number(1, 2)
      + number(0x112, 2) + number(3, 2) + number(1, 4) + number(Int(orientation), 2) + [0, 0]
      + number(0, 4)
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private static func prepare(_ bytes: [UInt8], height: Int, width: Int) throws -> [UInt8] {
    try ImagePreprocessor(.unscaled(height: height, width: width)).prepareBytes(bytes)
  }

  @Test("A large eXIf chunk after a PNG's pixels turns it", arguments: [true, false])
  func png(isBigEndian: Bool) throws {
    let plain = Fixtures.bytes("rgb.png")
    let block = Self.block(orientation: 3, isBigEndian: isBigEndian)
    // A checksum of a chunk that makes no pixels is not looked at. IEND takes the last 12 bytes.
    let chunk = Self.bigEndian(block.count) + Array("eXIf".utf8) + block + [0, 0, 0, 0]
    let turned = Array(plain.dropLast(12)) + chunk + Array(plain.suffix(12))
    let upright = Fixtures.bytes("rgb.png.rgb")
    let rotated = stride(from: upright.count - 3, through: 0, by: -3).flatMap {
      upright[$0..<$0 + 3]
    }
    #expect(try Self.prepare(turned, height: 21, width: 29) == rotated)
  }

  @Test("A large EXIF chunk of a WebP turns it", arguments: [true, false])
  func webp(isBigEndian: Bool) throws {
    let whole = Fixtures.bytes("orientation-8.webp")
    let start = try #require(
      whole.indices.dropLast(4).first { Array(whole[$0..<$0 + 4]) == Array("EXIF".utf8) })
    let block = Self.block(orientation: 8, isBigEndian: isBigEndian)
    var bytes =
      Array(whole[..<start]) + Array("EXIF".utf8) + Self.bigEndian(block.count).reversed() + block
    bytes.replaceSubrange(4..<8, with: Self.bigEndian(bytes.count - 8).reversed())
    let expected = Fixtures.bytes("orientation-8.webp.rgb")
    #expect(try Self.prepare(bytes, height: 37, width: 26) == expected)
  }

  /// A PNG with a chunk before its end.
  private static func png(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let plain = Fixtures.bytes("rgb.png")
    let chunk = bigEndian(data.count) + Array(type.utf8) + data + [0, 0, 0, 0]
    return Array(plain.dropLast(12)) + chunk + Array(plain.suffix(12))
  }

  @Test("XMP that ends early, is cut into its parts or has no digit turns nothing")
  func faultyXMP() throws {
    let upright = Fixtures.bytes("rgb.png.rgb")
    let keyword = Array("XML:com.adobe.xmp\0".utf8)
    for text in [
      "", "t", "tiff:Orientation", "tiff:Orientation=", "tiff:Orientation=\"", "tiff:Orientation>",
      "tiff:Orientation='3'", "tiff:Orientation=\"x3\"", "exif:Orientation=\"3\"",
      "tiff:Orientation=\"0\"", "tiff:Orientation=\"9\"",
    ] {
      let bytes = Self.png("tEXt", keyword + Array(text.utf8))
      #expect(try Self.prepare(bytes, height: 21, width: 29) == upright, "\(text)")
    }
    let xmp = Array("tiff:Orientation=\"3\"".utf8)
    for head in [[], [0], [0, 0], [0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]] as [[UInt8]] {
      let bytes = Self.png("iTXt", keyword + head + (head.count < 4 ? [] : xmp))
      #expect(try Self.prepare(bytes, height: 21, width: 29) == upright, "\(head)")
    }
    let turned = Self.png("iTXt", keyword + [0, 0, 0, 0] + xmp)
    #expect(try Self.prepare(turned, height: 21, width: 29) != upright)
  }

  @Test("A directory that lies outside of its block says nothing")
  func outside() throws {
    let plain = Fixtures.bytes("rgb.png")
    let upright = Fixtures.bytes("rgb.png.rgb")
    var block = Self.block(orientation: 3, isBigEndian: true)
    for offset in [block.count - 2, block.count - 1, block.count, 0xFFFF_FFFF] {
      block.replaceSubrange(4..<8, with: Self.bigEndian(offset))
      let chunk = Self.bigEndian(block.count) + Array("eXIf".utf8) + block + [0, 0, 0, 0]
      let bytes = Array(plain.dropLast(12)) + chunk + Array(plain.suffix(12))
      #expect(try Self.prepare(bytes, height: 21, width: 29) == upright)
    }
  }
}
