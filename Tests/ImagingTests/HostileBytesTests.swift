import Imaging
import Testing

/// Whatever the bytes: pixels or an error, never a crash.
struct HostileBytesTests {
  private static let limits = DecodingLimits(
    pixelCountLimit: 1 << 20, decodedByteCountLimit: 64 << 20)

  private static func preprocessor() throws -> ImagePreprocessor {
    ImagePreprocessor(
      try .plain(
        .shorterSide(size: 12, filter: .bicubic), .center(height: 10, width: 14)),
      limits: limits)
  }

  /// The same sizes, and one so small that most of the JPEGs are decoded at a fraction of their
  /// size.
  private static func preprocessors() throws -> [ImagePreprocessor] {
    [
      try preprocessor(),
      ImagePreprocessor(
        try .plain(.exact(height: 3, width: 2, filter: .bilinear)), limits: limits),
    ]
  }

  @Test("An image cut anywhere is called truncated", arguments: Fixtures.listing.images)
  func truncation(image: Fixtures.Image) throws {
    let preprocessors = try Self.preprocessors()
    let whole = Fixtures.bytes(image.file)
    let found = ImageFormat(magicBytesOf: whole.span)
    let truncated = ImagingError.truncated(format: try #require(found))
    // Bytes after the end of this JPEG are not part of it.
    let end = image.file == "extraneous.jpg" ? whole.count - "trailing".utf8.count : whole.count
    // Before that the bytes may not tell the format.
    let firstCut = 16
    for count in stride(from: firstCut, to: end, by: max(1, end / 97)) {
      for preprocessor in preprocessors {
        #expect(throws: truncated, "\(count) of \(whole.count) bytes") {
          try preprocessor.prepare(Array(whole[..<count]))
        }
      }
    }
  }

  @Test("Flipped bytes end in pixels or an error", arguments: Fixtures.listing.images)
  func flippedBytes(image: Fixtures.Image) throws {
    let preprocessors = try Self.preprocessors()
    let whole = Fixtures.bytes(image.file)
    var random = SplitMix64(state: UInt64(whole.count))
    for _ in 0..<60 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      for preprocessor in preprocessors {
        if let pixels = try? preprocessor.prepare(bytes) {
          #expect(pixels.allSatisfy { (0...1).contains($0) })
        }
      }
    }
  }

  @Test("A PNG with a wrong checksum is corrupt")
  func checksum() throws {
    var bytes = Fixtures.bytes("rgb.png")
    // IEND takes the last 12 bytes, the checksum of IDAT the four before them.
    bytes[bytes.count - 13] ^= 1
    #expect {
      try Self.preprocessor().prepare(bytes)
    } throws: { error in
      guard case ImagingError.corrupt(.png, _) = error else { return false }
      return true
    }
  }

  /// Expects the error of a JPEG whose data is damaged.
  private static func expectDamage(_ bytes: [UInt8]) {
    #expect {
      try preprocessor().prepare(bytes)
    } throws: { error in
      guard case ImagingError.corrupt(.jpeg, _) = error else { return false }
      return true
    }
  }

  @Test("A few bytes at the end of a JPEG's scan are passed over, more are damage")
  func extraneousBytes() throws {
    let whole = Fixtures.bytes("baseline-420.jpg")
    func adding(_ count: Int) -> [UInt8] {
      whole.dropLast(2) + [UInt8](repeating: 0x55, count: count) + whole.suffix(2)
    }
    let preprocessor = try Self.preprocessor()
    #expect(try preprocessor.prepare(adding(16)) == preprocessor.prepare(whole))
    // The decoder may have read eight bytes ahead, which it does not count.
    Self.expectDamage(adding(25))
  }

  @Test("A wrong restart marker is damage")
  func restartMarker() throws {
    var bytes = Fixtures.bytes("restart.jpg")
    let marker = try #require(
      bytes.indices.dropLast().last { bytes[$0] == 0xFF && (0xD0...0xD7).contains(bytes[$0 + 1]) })
    bytes[marker + 1] = 0xD0 + (bytes[marker + 1] - 0xD0 + 3) % 8
    Self.expectDamage(bytes)
  }

  @Test("A code that does not exist is damage")
  func badCode() throws {
    let whole = Fixtures.bytes("baseline-420.jpg")
    let scan = try #require(
      whole.indices.dropLast().first { whole[$0] == 0xFF && whole[$0 + 1] == 0xDA })
    // No code of a JPEG is all ones; a byte of ones is followed by a zero.
    let ones = [[UInt8]](repeating: [0xFF, 0x00], count: 4).flatMap(\.self)
    let start = scan + 60
    Self.expectDamage(Array(whole[..<start]) + ones + Array(whole[(start + ones.count)...]))
  }

  @Test(
    "Bytes of no known format are refused as such",
    arguments: [
      [], [0xFF], [0xFF, 0xD8], Array("GIF88a".utf8), Array("RIFF....WAVE".utf8),
      [UInt8](repeating: 0, count: 64),
    ])
  func unsupported(bytes: [UInt8]) throws {
    #expect(throws: ImagingError.unsupportedFormat(ForeignContent(of: bytes.span))) {
      try Self.preprocessor().prepare(bytes)
    }
  }

  @Test(
    "JPEGs of kinds that are not decoded are refused by name",
    arguments: [
      // The second byte of the frame marker, or the precision in the frame header.
      (offset: 1, value: UInt8(0xC3)), (offset: 1, value: UInt8(0xC9)),
      (offset: 4, value: UInt8(12)),
    ])
  func unsupportedJPEG(offset: Int, value: UInt8) throws {
    var bytes = Fixtures.bytes("baseline-444.jpg")
    let frame = try #require(
      bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes[frame + offset] = value
    #expect {
      try Self.preprocessor().prepare(bytes)
    } throws: { error in
      guard case ImagingError.unsupportedFeature(.jpeg, _) = error else { return false }
      return true
    }
  }

  @Test("A progressive JPEG with too many scans is refused")
  func scanBomb() throws {
    let bytes = Fixtures.bytes("progressive.jpg")
    // The first scan again and again: it depends on no other.
    let markers = bytes.indices.dropLast().filter {
      bytes[$0] == 0xFF && bytes[$0 + 1] != 0 && bytes[$0 + 1] != 0xFF
    }
    let first = try #require(markers.firstIndex { bytes[$0 + 1] == 0xDA })
    let scan = Array(bytes[markers[first]..<markers[first + 1]])
    var bomb = Array(bytes[..<markers[first]])
    for _ in 0..<400 { bomb += scan }
    bomb += bytes[markers[first]...]
    #expect {
      try Self.preprocessor().prepare(bomb)
    } throws: { error in
      guard case ImagingError.corrupt(.jpeg, let reason) = error else { return false }
      return reason.contains("scans")
    }
  }
}
