/// Counts of the magnitudes of numbers, which know nothing beforehand of how large they become.
///
/// The bins divide the range up to a power of two evenly. Where a number lies beyond, the range
/// doubles as often as it takes, and neighbouring bins are merged. A bin is the leading bits of a
/// magnitude, so that merging is exact, and the counts are those of a histogram that had the last
/// range from the start: they follow from the numbers alone, in whatever order and by however many
/// histograms they were counted.
struct MagnitudeHistogram: Sendable {
  /// Leading bits that tell the bin. The largest magnitude lies in the upper half of the bins, so
  /// that a range is exact to one part in 4,096 of it, or better.
  private static let bitCount = 13
  private static let binCount = 1 << bitCount
  /// Further bins that take what is not counted, in turn: additions to one and the same would wait
  /// for each other.
  private static let spareBinCount = 16
  /// Exponent of the least range; numbers below a bin's width of it are counted in the first bin.
  private static let leastExponent = -100

  /// Largest finite magnitude.
  private(set) var largest: Float = 0
  /// Exponent of the power of two that all finite magnitudes are below.
  private var exponent = Self.leastExponent
  private var bins = [Int](repeating: 0, count: Self.binCount + Self.spareBinCount)

  /// Counts numbers. Zeros say nothing about the range, and padding of blocked layouts is zero too;
  /// numbers that are not finite have no place in any range. Neither is counted.
  mutating func count(_ values: Span<Float>) {
    let largest = Self.largest(of: values)
    guard largest > 0 else { return }
    self.largest = max(self.largest, largest)
    widen(to: Int(largest.exponent) + 1)
    let top = UInt32(exponent - 1 + FloatBits.bias)
    // SAFETY: the indexes are those of the values; a finite magnitude is below the power of two and
    // has a bin, and the spare ones follow.
    unsafe bins.withUnsafeMutableBufferPointer { bins in
      unsafe values.withUnsafeBufferPointer { values in
        for index in values.indices {
          let bits = unsafe values[index].bitPattern & FloatBits.magnitude
          let significand = bits & FloatBits.fraction | FloatBits.leadingBit
          let distance = min(top &- bits >> FloatBits.fractionCount, 31 - Self.shift)
          let bin = Int(significand &>> (Self.shift &+ distance))
          // Without zero, which wraps around.
          let isCounted = bits &- 1 < FloatBits.infinity &- 1
          unsafe bins[isCounted ? bin : Self.binCount + index & (Self.spareBinCount - 1)] &+= 1
        }
      }
    }
  }

  /// Bits of the largest numbers' significands below those that tell the bin.
  private static let shift = FloatBits.fractionCount + 1 - UInt32(bitCount)

  /// Adds what another histogram has counted.
  mutating func add(_ other: MagnitudeHistogram) {
    var other = other
    largest = max(largest, other.largest)
    widen(to: other.exponent)
    other.widen(to: exponent)
    for bin in bins.indices { bins[bin] += other.bins[bin] }
  }

  /// Returns the magnitude that `percentile` percent of the counted numbers do not exceed, at most
  /// a bin's width too large; 1 if nothing was counted.
  func range(percentile: Double) -> Float {
    guard largest > 0 else { return 1 }
    let counted = bins[..<Self.binCount]
    let total = counted.reduce(0, +)
    var rest = Int((Double(total) * (100 - percentile) / 100).rounded())
    for bin in counted.indices.reversed() {
      rest -= counted[bin]
      if rest < 0 {
        let width = Float(sign: .plus, exponent: exponent - Self.bitCount, significand: 1)
        return min(Float(bin + 1) * width, largest)
      }
    }
    return largest
  }

  /// Doubles the range until it reaches to the power of two.
  private mutating func widen(to wanted: Int) {
    guard wanted > exponent else { return }
    // After so many doublings all counts are in the first bin.
    let doublings = min(wanted - exponent, Self.bitCount)
    exponent = wanted
    // Counts move to lower bins, which are done.
    for bin in 1..<Self.binCount {
      let count = bins[bin]
      bins[bin] = 0
      bins[bin >> doublings] += count
    }
  }

  /// Returns the largest finite magnitude, 0 if there is none.
  private static func largest(of values: Span<Float>) -> Float {
    // SAFETY: the elements are those of the values.
    unsafe values.withUnsafeBufferPointer { values in
      // As integers magnitudes have the same order, and the compiler takes several at once.
      let largest = unsafe values.reduce(0) { max($0, $1.bitPattern & FloatBits.magnitude) }
      if largest < FloatBits.infinity { return Float(bitPattern: largest) }
      return unsafe values.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    }
  }
}

/// Parts of a number of 32 bits.
private enum FloatBits {
  static let magnitude: UInt32 = 0x7FFF_FFFF
  static let infinity: UInt32 = 0x7F80_0000
  static let fraction: UInt32 = 0x007F_FFFF
  static let leadingBit: UInt32 = 0x0080_0000
  static let fractionCount = UInt32(Float.significandBitCount)
  static let bias = 127
}
