import CImageCodec

/// Fixed-point weights of one resampling pass along one axis, for the wanted output pixels only.
///
/// The numbers are those of Pillow's `ImagingResample` for eight-bit pictures, so that results agree to
/// the last bit: weights in double precision, normalised to a sum of 1, then rounded to 22 bits.
struct ResampleWeights {
  /// Eight bits of the sample, two for overshoot of the kernel and the sign leave these of 32.
  static let fractionBitCount = Int(IMAGE_CODEC_RESAMPLE_FRACTION_BIT_COUNT)

  /// Weights per output pixel; shorter runs are filled up with zeros.
  let tapCount: Int
  /// First source pixel of each output pixel's run; the run with its filling never leaves the source,
  /// unless the source is shorter than `tapCount`.
  let starts: [Int]
  /// Taps that count, per output pixel.
  let counts: [Int]
  /// `[outputs, tapCount]`, row-major.
  let values: [Int32]
  /// The source pixels that any output pixel reads.
  let sources: Range<Int>

  init(_ window: SampleWindow, filter: ResizeFilter) {
    let scale = Self.scale(window)
    let stretch = max(scale, 1)
    let support = filter.support * stretch
    let capacity = Self.tapCount(window, filter)
    var starts: [Int] = []
    var counts: [Int] = []
    var values: [Int32] = []
    values.reserveCapacity(capacity * window.count)
    var run: [Double] = []
    for output in window.start..<window.start + window.count {
      let center = (Double(output) + 0.5) * scale
      let start = max(Int(center - support + 0.5), 0)
      let end = min(Int(center + support + 0.5), window.sourceCount)
      run.removeAll(keepingCapacity: true)
      for source in start..<end {
        run.append(filter.weight(at: (Double(source) - center + 0.5) * (1 / stretch)))
      }
      let sum = run.reduce(0, +)
      starts.append(start)
      counts.append(run.count)
      for weight in run {
        let share = sum == 0 ? weight : weight / sum
        let scaled = share * Double(1 << Self.fractionBitCount)
        values.append(Int32(scaled + (share < 0 ? -0.5 : 0.5)))
      }
      values.append(contentsOf: repeatElement(0, count: capacity - run.count))
    }
    tapCount = capacity
    self.starts = starts
    self.counts = counts
    self.values = values
    let first = starts.first ?? 0
    let last = starts.indices.last.map { starts[$0] + counts[$0] } ?? 0
    sources = first..<max(first, last)
  }

  private static func scale(_ window: SampleWindow) -> Double {
    Double(window.sourceCount) / Double(window.resizedCount)
  }

  private static func tapCount(_ window: SampleWindow, _ filter: ResizeFilter) -> Int {
    let support = filter.support * max(scale(window), 1)
    return min(Int(support.rounded(.up)) * 2 + 1, window.sourceCount)
  }

  /// What the weights for this window will take, known before they are made.
  static func byteCount(_ window: SampleWindow, _ filter: ResizeFilter) -> Int {
    window.count
      * (tapCount(window, filter) * MemoryLayout<Int32>.stride + 2 * MemoryLayout<Int>.stride)
  }

  /// An upper bound of `sources.count`, known before the weights are made.
  static func sourceCount(_ window: SampleWindow, _ filter: ResizeFilter) -> Int {
    let span = Double(window.count) * scale(window)
    return min(Int(span.rounded(.up)) + tapCount(window, filter) + 1, window.sourceCount)
  }
}
