/// Images with bands to try a model on that brings none: TIFFs of uncompressed samples.
///
///     II 42, offset of the directory | samples, little-endian | directory | bits of each sample,
///     kinds of the extra samples
package enum TrialImages {
  private static let side = 64

  /// Returns two images that a contract for bands accepts, whose numbers are those that it
  /// normalises to about -2 to 2.
  package static func withBands(for contract: Preprocessing) -> [[UInt8]] {
    precondition(contract.channelOrder == .bands, "a contract must be for bands")
    return [1, 2].map { image(for: contract, seed: $0) }
  }

  private static func image(for contract: Preprocessing, seed: Int) -> [UInt8] {
    let isWide = contract.policies.sixteenBit != .refuse && contract.range != .byte
    let top = isWide ? 65535 : 255
    let bands = contract.channelCount
    let unit = Float(top / contract.range.rawValue)
    var state = UInt32(seed)
    var samples: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        for band in 0..<bands {
          // Slopes of another direction in each image and band, with noise (Numerical Recipes'
          // generator).
          state = state &* 1_664_525 &+ 1_013_904_223
          let slope = Float((seed * x + (band + 1) * y) % side) / Float(side)
          let number = (slope + Float(state >> 8) * 0x1p-24) * 2 - 2
          let sample = (contract.mean[band] + number * contract.std[band]) * unit
          let stored = UInt16(max(0, min(Float(top), sample.rounded())))
          samples.append(UInt8(truncatingIfNeeded: stored))
          if isWide { samples.append(UInt8(stored >> 8)) }
        }
      }
    }
    return file(samples, bands: bands, bitCount: isWide ? 16 : 8)
  }

  private static func file(_ samples: [UInt8], bands: Int, bitCount: Int) -> [UInt8] {
    let directory = 8 + samples.count
    // Width, height, bits, compression, darkness, offset, samples, rows, bytes, and extra samples.
    let entryCount = bands > 1 ? 10 : 9
    let lists = directory + 2 + 12 * entryCount + 4
    var bytes = Array("II".utf8) + number(42, 2) + number(directory, 4) + samples
    bytes += number(entryCount, 2)
    func entry(_ tag: Int, _ type: Int, count: Int = 1, _ value: Int) {
      bytes += number(tag, 2) + number(type, 2) + number(count, 4) + number(value, 4)
    }
    let (short, long) = (3, 4)
    func list(_ tag: Int, of value: Int, count: Int, at place: Int) {
      let inPlace = count == 1 ? value : value | value << 16
      entry(tag, short, count: count, count > 2 ? place : inPlace)
    }
    entry(256, short, side)
    entry(257, short, side)
    list(258, of: bitCount, count: bands, at: lists)
    entry(259, short, 1)
    entry(262, short, 1)
    entry(273, long, 8)
    entry(277, short, bands)
    entry(278, short, side)
    entry(279, long, samples.count)
    if bands > 1 { list(338, of: 0, count: bands - 1, at: lists + 2 * bands) }
    bytes += number(0, 4)
    for _ in 0..<bands { bytes += number(bitCount, 2) }
    for _ in 1..<max(bands, 2) { bytes += number(0, 2) }
    return bytes
  }

  private static func number(_ value: Int, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
