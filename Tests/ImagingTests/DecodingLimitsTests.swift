import Imaging
import Testing

/// Sizes are judged by the header, before memory is taken.
struct DecodingLimitsTests {
  /// First two chunks of a PNG that announces any size, with a correct checksum.
  private static func png(width: UInt32, height: UInt32) -> [UInt8] {
    var header = Array("IHDR".utf8)
    for value in [width, height] {
      header += (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
    header += [8, 2, 0, 0, 0]
    var checksum: UInt32 = 0xFFFF_FFFF
    for byte in header {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1) * 0xEDB8_8320 }
    }
    checksum ^= 0xFFFF_FFFF
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + header
      + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) }
  }

  @Test(
    "A huge PNG is refused by its header",
    arguments: [
      (100_000, 100_000), (0x7FFF_FFFF, 0x7FFF_FFFF), (1, 0x7FFF_FFFF), (6325, 6325),
    ])
  func hugePNG(width: Int, height: Int) {
    let preprocessor = ImagePreprocessor(.imageNet)
    #expect(
      throws: ImagingError.pixelCount(
        width: width, height: height, limit: DecodingLimits.defaultPixelCountLimit)
    ) {
      try preprocessor.prepare(Self.png(width: UInt32(width), height: UInt32(height)))
    }
  }

  @Test("A PNG without width or height is corrupt", arguments: [(0, 5), (5, 0), (0, 0)])
  func emptyPNG(width: UInt32, height: UInt32) {
    #expect {
      try ImagePreprocessor(.imageNet).prepare(Self.png(width: width, height: height))
    } throws: { error in
      guard case ImagingError.corrupt(.png, _) = error else { return false }
      return true
    }
  }

  @Test("A huge JPEG is refused by its header")
  func hugeJPEG() throws {
    var bytes = Fixtures.bytes("baseline-420.jpg")
    let frame = try #require(
      bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes.replaceSubrange(frame + 5..<frame + 9, with: [0xFF, 0x00, 0xFF, 0x00])
    #expect(
      throws: ImagingError.pixelCount(
        width: 0xFF00, height: 0xFF00, limit: DecodingLimits.defaultPixelCountLimit)
    ) {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    }
  }

  @Test("The pixel limit is met exactly", arguments: ["rgb.png", "thin.jpg", "lossy.webp"])
  func pixelLimit(file: String) throws {
    let image = try #require(Fixtures.listing.images.first { $0.file == file })
    let pixelCount = image.width * image.height
    let bytes = Fixtures.bytes(file)
    var limits = DecodingLimits(pixelCountLimit: pixelCount)
    _ = try ImagePreprocessor(.imageNet, limits: limits).prepare(bytes)
    limits.pixelCountLimit -= 1
    #expect(
      throws: ImagingError.pixelCount(
        width: image.width, height: image.height, limit: pixelCount - 1)
    ) {
      try ImagePreprocessor(.imageNet, limits: limits).prepare(bytes)
    }
  }

  @Test(
    "The bytes that decoding and resizing hold are limited",
    arguments: [
      "rgb.png", "progressive.jpg", "lossless.webp", "orientation-6.jpg",
    ])
  func byteLimit(file: String) {
    let limits = DecodingLimits(decodedByteCountLimit: 2000)
    #expect {
      try ImagePreprocessor(.imageNet, limits: limits).prepare(Fixtures.bytes(file))
    } throws: { error in
      guard case ImagingError.decodedByteCount(let actual, 2000) = error else { return false }
      return actual > 2000
    }
  }

  @Test("Resizing a very long image stays within the limit or is refused")
  func longImage() throws {
    let wide = try Preprocessing.plain(.exact(height: 4096, width: 4096, filter: .bicubic))
    #expect {
      try ImagePreprocessor(wide).prepare(Self.png(width: 1, height: 40_000_000))
    } throws: { error in
      guard case ImagingError.decodedByteCount = error else { return false }
      return true
    }
  }
}
