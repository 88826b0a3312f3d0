/// Valid images that cost more than their size tells.
enum HostileImages {
  /// A lossless WebP of 1024 x 1024 that names 65,536 groups of prefix codes, whose tables take
  /// hundreds of megabytes.
  static var groupsOfPrefixCodes: [UInt8] {
    let tilesASide = 256
    var bits = BitWriter()
    bits.put(0x2F, 8)
    bits.put(4 * tilesASide - 1, 14)
    bits.put(4 * tilesASide - 1, 14)
    // No alpha, version 0, no transform, no colour cache; groups for tiles of 4 x 4.
    bits.put(0, 4)
    bits.put(0b100, 3)
    bits.put(0, 3)
    bits.put(0, 1)
    bits.putCodeOfBytes(zerosAfter: 24)
    bits.putCodeOfBytes(zerosAfter: 0)
    for _ in 0..<3 { bits.putCodeOfOneSymbol() }
    for group in 0..<tilesASide * tilesASide {
      bits.put(reversed(group & 255), 8)
      bits.put(reversed(group >> 8), 8)
    }
    for _ in 0..<5 * tilesASide * tilesASide { bits.putCodeOfOneSymbol() }
    let data = bits.finished
    let body = Array("WEBPVP8L".utf8) + littleEndian(data.count) + data
    return Array("RIFF".utf8) + littleEndian(body.count) + body
  }

  /// A progressive CMYK JPEG whose coefficients take 320 MB, in a few hundred KB.
  static var progressiveCMYK: [UInt8] {
    let side = 6320
    let blocks = (side / 8) * (side / 8)
    var bytes: [UInt8] = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
    let size = [UInt8(side >> 8), UInt8(side & 255)]
    bytes += segment(0xC2, [8] + size + size + [4] + (1...4).flatMap { [UInt8($0), 0x11, 0] })
    // The only code has a single bit: no difference.
    bytes += segment(0xC4, [0, 1] + [UInt8](repeating: 0, count: 15) + [0])
    for component in 1...4 {
      bytes += segment(0xDA, [1, UInt8(component), 0, 0, 0, 0])
      bytes += [UInt8](repeating: 0, count: (blocks + 7) / 8)
    }
    return bytes + [0xFF, 0xD9]
  }

  private static func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] {
    [0xFF, marker, UInt8((data.count + 2) >> 8), UInt8((data.count + 2) & 255)] + data
  }

  private static func littleEndian(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func reversed(_ byte: Int) -> Int {
    (0..<8).reduce(0) { $0 | (byte >> $1 & 1) << (7 - $1) }
  }
}

/// Writes bits from the lowest on, as VP8L has them.
private struct BitWriter {
  private var bytes: [UInt8] = []
  private var pending = 0
  private var count = 0

  mutating func put(_ value: Int, _ width: Int) {
    pending |= value << count
    count += width
    while count >= 8 {
      bytes.append(UInt8(pending & 255))
      pending >>= 8
      count -= 8
    }
  }

  /// Puts a simple code of the symbol 0.
  mutating func putCodeOfOneSymbol() { put(1, 4) }

  /// Puts 256 symbols of eight bits each, then so many of none.
  mutating func putCodeOfBytes(zerosAfter: Int) {
    // The lengths' own code: 18, a run of zeros, and 8 have one bit each; 12 of its lengths are
    // written.
    put(0, 1)
    put(12 - 4, 4)
    for symbol in [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8] {
      put(symbol == 18 || symbol == 8 ? 1 : 0, 3)
    }
    put(0, 1)
    for _ in 0..<256 { put(0, 1) }
    guard zerosAfter > 0 else { return }
    put(1, 1)
    put(zerosAfter - 11, 7)
  }

  /// Bytes, filled up to a whole and even number.
  var finished: [UInt8] {
    let whole = count > 0 ? bytes + [UInt8(pending & 255)] : bytes
    return whole.count % 2 == 0 ? whole : whole + [0]
  }
}
