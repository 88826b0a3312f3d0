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
  private static func png(_ type: String, _ data: [UInt8]) -> [UInt8] { png([(type, data)]) }

  private static func png(_ chunks: [(type: String, data: [UInt8])]) -> [UInt8] {
    let plain = Fixtures.bytes("rgb.png")
    let all = chunks.flatMap { chunk -> [UInt8] in
      bigEndian(chunk.data.count) + Array(chunk.type.utf8) + chunk.data + [0, 0, 0, 0]
    }
    return Array(plain.dropLast(12)) + all + Array(plain.suffix(12))
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

  /// Entries of the orientation 3 by type and number of values, and what Pillow 13 makes of each: 3 where
  /// it counts, 1 where it says nothing of value, 2, that of XMP, where it is passed over.
  private static let entries: [(type: Int, count: Int, values: [UInt8], orientation: Int)] = [
    (1, 1, [3], 1), (2, 2, [0x33, 0], 1), (3, 1, [0, 3], 3), (4, 1, [0, 0, 0, 3], 3),
    (5, 1, [0, 0, 0, 3, 0, 0, 0, 1], 3), (5, 1, [0, 0, 0, 6, 0, 0, 0, 2], 3),
    (5, 1, [0, 0, 0, 7, 0, 0, 0, 2], 1), (5, 1, [0, 0, 0, 3, 0, 0, 0, 0], 1),
    (5, 1, [0x80, 0, 0, 3, 0, 0, 0, 1], 1), (6, 1, [3], 3), (6, 1, [0xFD], 1), (7, 1, [3], 1),
    (8, 1, [0, 3], 3), (8, 1, [0xFF, 0xFD], 1), (9, 1, [0, 0, 0, 3], 3),
    (9, 1, [0xFF, 0xFF, 0xFF, 0xFD], 1),
    (10, 1, [0xFF, 0xFF, 0xFF, 0xFD, 0xFF, 0xFF, 0xFF, 0xFF], 3),
    (10, 1, [0xFF, 0xFF, 0xFF, 0xFD, 0, 0, 0, 1], 1), (11, 1, [0x40, 0x40, 0, 0], 3),
    (11, 1, [0x40, 0x60, 0, 0], 1), (11, 1, [0x7F, 0xC0, 0, 0], 1),
    (12, 1, [0x40, 8, 0, 0, 0, 0, 0, 0], 3), (13, 1, [0, 0, 0, 3], 3), (0, 1, [0, 3], 2),
    (14, 1, [0, 3], 2), (15, 1, [0, 3], 2), (17, 1, [0, 3], 2),
    (16, 1, [0, 0, 0, 0, 0, 0, 0, 3], 3), (3, 0, [0, 3], 2), (3, 1, [0, 9], 1), (3, 1, [0, 0], 1),
    (3, 2, [0, 3, 0, 5], 3), (3, 2, [0, 5, 0, 3], 5), (3, 3, [0, 3, 0, 5, 0, 5], 3),
    // More values than the block has are passed over.
    (3, 99, [0, 3, 0, 5, 0, 5], 2),
  ]

  @Test("An entry counts by the types of numbers that Pillow reads", arguments: entries.indices)
  func types(index: Int) throws {
    let (type, count, values, orientation) = Self.entries[index]
    let bytes = { (value: Int, width: Int) in Array(Self.bigEndian(value).suffix(width)) }
    let place = values.count > 4 ? Self.bigEndian(26) + values : values + [0, 0, 0, 0]
    let field = Array(place.prefix(4)) + [0, 0, 0, 0] + place.dropFirst(4)
    let block =
      Array("MM".utf8) + bytes(42, 2) + bytes(8, 4) + bytes(1, 2) + bytes(0x112, 2)
      + bytes(type, 2) + bytes(count, 4) + field
    let xmp = Array("XML:com.adobe.xmp\0tiff:Orientation=\"2\"".utf8)
    let (width, height) = orientation < 5 ? (29, 21) : (21, 29)
    let upright = Fixtures.bytes("rgb.png.rgb")
    let rows = stride(from: 0, to: upright.count, by: 29 * 3).map { start in
      stride(from: start, to: start + 29 * 3, by: 3).map { Array(upright[$0..<$0 + 3]) }
    }
    let expected: [[[UInt8]]] =
      switch orientation {
      case 2: rows.map { Array($0.reversed()) }
      case 3: rows.reversed().map { Array($0.reversed()) }
      case 5: rows[0].indices.map { x in rows.map { $0[x] } }
      default: rows
      }
    let image = Self.png([("eXIf", block), ("tEXt", xmp)])
    let pixels = expected.flatMap { $0.flatMap { $0 } }
    #expect(try Self.prepare(image, height: height, width: width) == pixels)
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
