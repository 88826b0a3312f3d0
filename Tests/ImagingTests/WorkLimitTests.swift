import Imaging
import Testing

/// Limits on work that follows from neither pixels nor bytes.
@Suite struct WorkLimitTests {
  /// Grey progressive JPEG; all scans but the first hold only runs of empty blocks.
  private static func progressive(side: Int, scanCount: Int) -> [UInt8] {
    let blockCount = ((side + 7) / 8) * ((side + 7) / 8)
    let sides = [UInt8(side >> 8), UInt8(side & 255)]
    var bytes: [UInt8] = [0xFF, 0xD8]
    bytes += segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    bytes += segment(0xC2, [8] + sides + sides + [1, 1, 0x11, 0])
    // DC: the one symbol 0 is the bit 0. AC: "14 more bits of a run" is 0, "end of block" is 10.
    bytes += segment(0xC4, [0, 1] + [UInt8](repeating: 0, count: 15) + [0])
    bytes += segment(0xC4, [0x10, 1, 1] + [UInt8](repeating: 0, count: 14) + [0xE0, 0])
    bytes += segment(0xDA, [1, 1, 0, 0, 0, 0])
    bytes += [UInt8](repeating: 0, count: (blockCount + 7) / 8)
    for _ in 1..<scanCount {
      bytes += segment(0xDA, [1, 1, 0, 1, 63, 0]) + emptyScan(blockCount)
    }
    return bytes + [0xFF, 0xD9]
  }

  private static func emptyScan(_ blockCount: Int) -> [UInt8] {
    var bits = ""
    var left = blockCount
    while left > 0 {
      let run = min(left, 32767)
      if run >= 16384 {
        let more = String(run - 16384, radix: 2)
        bits += "0" + String(repeating: "0", count: 14 - more.count) + more
        left -= run
      } else {
        bits += String(repeating: "10", count: left)
        left = 0
      }
    }
    bits += String(repeating: "1", count: (8 - bits.count % 8) % 8)
    let digits = Array(bits.utf8)
    return stride(from: 0, to: digits.count, by: 8).flatMap { start -> [UInt8] in
      let byte = digits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 & 1) }
      return byte == 0xFF ? [0xFF, 0] : [byte]
    }
  }

  private static func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] {
    [0xFF, marker, UInt8((data.count + 2) >> 8), UInt8((data.count + 2) & 255)] + data
  }

  private static func inserting(_ bytes: [UInt8], at place: Int, in whole: [UInt8]) -> [UInt8] {
    var longer = whole
    longer.insert(contentsOf: bytes, at: place)
    return longer
  }

  @Test("Scans may go through so many blocks as the file has bytes for")
  func visits() throws {
    let preprocessor = ImagePreprocessor(.imageNet)
    _ = try preprocessor.prepare(Self.progressive(side: 1600, scanCount: 50))
    #expect {
      _ = try preprocessor.prepare(Self.progressive(side: 6320, scanCount: 60))
    } throws: { error in
      guard case ImagingError.corrupt(.jpeg, let reason) = error else { return false }
      return reason.contains("blocks")
    }
  }

  @Test("Any number of EXIF markers is skipped, and the first says which way is up")
  func markers() throws {
    let image = Fixtures.bytes("baseline-420.jpg")
    let preprocessor = ImagePreprocessor(.imageNet)
    let plain = try preprocessor.prepare(image)
    let empty = [[UInt8]](repeating: [0xFF, 0xE1, 0, 2], count: 400_000).flatMap(\.self)
    #expect(try preprocessor.prepare(Self.inserting(empty, at: 2, in: image)) == plain)

    let (turned, upright) = (Self.exif(orientation: 3), Self.exif(orientation: 1))
    let first = try preprocessor.prepare(Self.inserting(turned, at: 2, in: image))
    let both = try preprocessor.prepare(Self.inserting(turned + upright, at: 2, in: image))
    #expect(first == both && first != plain)
  }

  @Test("A marker that ends after the file, or before it begins, is an error")
  func brokenMarkers() {
    let preprocessor = ImagePreprocessor(.imageNet)
    #expect(throws: ImagingError.truncated(format: .jpeg)) {
      try preprocessor.prepare([0xFF, 0xD8, 0xFF, 0xE1, 0xFF, 0xFF, 1])
    }
    #expect(throws: ImagingError.self) {
      try preprocessor.prepare([0xFF, 0xD8, 0xFF, 0xE1, 0, 1, 1, 0xFF, 0xD9])
    }
  }

  private static func exif(orientation: UInt8) -> [UInt8] {
    segment(
      0xE1,
      Array("Exif\0\0MM\0*".utf8) + [0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1]
        + [0, orientation, 0, 0, 0, 0, 0, 0])
  }

  @Test("Countless chunks before the frame of an animated WebP are skipped")
  func chunks() throws {
    let image = Fixtures.bytes("animated.webp")
    let preprocessor = ImagePreprocessor(.imageNet)
    // After the container's head and the chunk VP8X, of 10 bytes.
    let head = 12 + 18
    let odd = [[UInt8]](repeating: Array("odd!".utf8) + [0, 0, 0, 0], count: 400_000)
      .flatMap(\.self)
    var many = Self.inserting(odd, at: head, in: image)
    let length = UInt32(many.count - 8)
    for index in 0..<4 { many[4 + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    #expect(try preprocessor.prepare(many) == preprocessor.prepare(image))
  }
}
