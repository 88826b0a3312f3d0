import CImageCodec

/// Fixed-point weights of one resampling pass along one axis, for the wanted output pixels only.
///
/// The numbers are those of Pillow's `ImagingResample` for eight-bit images, so that results agree
/// to the last bit: weights in double precision, normalised to a sum of 1, then rounded to 22 bits.
struct ResampleWeights {
  /// Bits of the fraction: what the eight of the sample, two for overshoot of the kernel, and the
  /// sign leave of 32.
  static let fractionBitCount = Int(IMAGE_CODEC_RESAMPLE_FRACTION_BIT_COUNT)

  /// Weights per output pixel, the same for all so that the loops over them are regular; shorter
  /// runs are padded with zeros.
  let tapCount: Int
  /// First source pixel of each output pixel's run; the run with its padding stays within the
  /// source.
  let starts: [Int]
  /// `[outputs, tapCount]`, row-major.
  let values: [Int32]
  /// Source pixels that any output pixel reads.
  let sources: Range<Int>

  init(_ window: SampleWindow, filter: ResizeFilter) {
    guard filter != .nearest else {
      self.init(picking: window)
      return
    }
    let scale = Self.scale(window)
    let stretch = max(scale, 1)
    let support = filter.support * stretch
    let runs = (window.start..<window.start + window.count).map { output in
      let center = window.sourceStart + (Double(output) + 0.5) * scale
      return max(
        Int(center - support + 0.5), 0)..<min(Int(center + support + 0.5), window.sourceCount)
    }
    let tapCount = runs.map(\.count).max() ?? 0
    let starts = runs.map { min($0.lowerBound, window.sourceCount - tapCount) }
    var values = [Int32](repeating: 0, count: tapCount * window.count)
    var weights: [Double] = []
    for (index, run) in runs.enumerated() {
      let center = window.sourceStart + (Double(window.start + index) + 0.5) * scale
      weights.removeAll(keepingCapacity: true)
      for source in run {
        weights.append(filter.weight(at: (Double(source) - center + 0.5) * (1 / stretch)))
      }
      let sum = weights.reduce(0, +)
      let place = index * tapCount + run.lowerBound - starts[index]
      for (tap, weight) in weights.enumerated() {
        let share = sum == 0 ? weight : weight / sum
        let scaled = share * Double(1 << Self.fractionBitCount)
        values[place + tap] = Int32(scaled + (share < 0 ? -0.5 : 0.5))
      }
    }
    self.init(tapCount: tapCount, starts: starts, values: values)
  }

  private init(tapCount: Int, starts: [Int], values: [Int32]) {
    self.tapCount = tapCount
    self.starts = starts
    self.values = values
    let first = starts.first ?? 0
    sources = first..<(starts.last ?? first) + tapCount
  }

  /// Picks one source pixel for each output pixel, as Pillow's `ImagingScaleAffine`: it adds up
  /// positions, and its rounding on the way decides which pixel it is.
  private init(picking window: SampleWindow) {
    let scale = Self.scale(window)
    var position = window.sourceStart + scale * 0.5
    var starts: [Int] = []
    for output in 0..<window.start + window.count {
      if output >= window.start { starts.append(min(Int(position), window.sourceCount - 1)) }
      position += scale
    }
    let whole = Int32(1 << Self.fractionBitCount)
    self.init(
      tapCount: 1, starts: starts, values: [Int32](repeating: whole, count: starts.count))
  }

  private static func scale(_ window: SampleWindow) -> Double {
    window.sourceLength / Double(window.resizedCount)
  }

  private static func tapCount(_ window: SampleWindow, _ filter: ResizeFilter) -> Int {
    let support = filter.support * max(scale(window), 1)
    return min(Int(support.rounded(.up)) * 2 + 1, window.sourceCount)
  }

  /// Bytes that the weights for this window will take, known before they are made.
  static func byteCount(_ window: SampleWindow, _ filter: ResizeFilter) -> Int {
    window.count
      * (tapCount(window, filter) * MemoryLayout<Int32>.stride + 3 * MemoryLayout<Int>.stride)
  }

  /// Upper bound of `sources.count`, known before the weights are made.
  static func sourceCount(_ window: SampleWindow, _ filter: ResizeFilter) -> Int {
    let span = Double(window.count) * scale(window)
    return min(Int(span.rounded(.up)) + tapCount(window, filter) + 2, window.sourceCount)
  }
}
