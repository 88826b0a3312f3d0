/// The two passes of resampling, over rows of interleaved RGB. Sums are 32-bit integers and each pass
/// rounds to eight bits, as in Pillow, whose results these are bit for bit.
enum Resampling {
  /// Rows of the picture between the passes are this far apart, a whole number of vectors.
  static func stride(pixelCount: Int) -> Int {
    (3 * pixelCount + vectorByteCount - 1) / vectorByteCount * vectorByteCount
  }

  /// Bytes that may be read beyond the last pixel of a row given to `resampleRow`.
  static let readAheadByteCount = 1

  private static let vectorByteCount = 16
  private static let half = Int32(1) << (ResampleWeights.fractionBitCount - 1)

  /// Horizontal pass over one row that begins with pixel `firstColumn` of the picture: `target` receives
  /// `weights.starts.count` pixels.
  static func resampleRow(
    _ source: UnsafePointer<UInt8>, firstColumn: Int, into target: UnsafeMutablePointer<UInt8>,
    _ weights: borrowing ResampleWeights
  ) {
    // SAFETY: every run of taps lies within the source row, by construction of the weights. The
    // fourth byte of the last load is the read-ahead that callers provide.
    unsafe weights.values.withUnsafeBufferPointer { values in
      for output in weights.starts.indices {
        let pixels = unsafe UnsafeRawPointer(source + 3 * (weights.starts[output] - firstColumn))
        let run = output * weights.tapCount
        var sum = SIMD4<Int32>(repeating: half)
        for tap in 0..<weights.counts[output] {
          let bytes = unsafe pixels.loadUnaligned(fromByteOffset: 3 * tap, as: UInt32.self)
          let pixel = unsafe SIMD4<Int32>(
            truncatingIfNeeded: unsafeBitCast(bytes, to: SIMD4<UInt8>.self))
          sum &+= unsafe pixel &* values[run + tap]
        }
        let rounded = (sum &>> ResampleWeights.fractionBitCount)
          .clamped(lowerBound: .zero, upperBound: SIMD4(repeating: 255))
        unsafe target[3 * output] = UInt8(truncatingIfNeeded: rounded.x)
        unsafe target[3 * output + 1] = UInt8(truncatingIfNeeded: rounded.y)
        unsafe target[3 * output + 2] = UInt8(truncatingIfNeeded: rounded.z)
      }
    }
  }

  /// Vertical pass for one output row: `rows` is the first row of `weights.sources`, `target` receives
  /// `stride` bytes.
  static func resampleColumns(
    _ rows: UnsafePointer<UInt8>, stride: Int, output: Int,
    into target: UnsafeMutablePointer<UInt8>, _ weights: borrowing ResampleWeights
  ) {
    let first = weights.starts[output] - weights.sources.lowerBound
    let count = weights.counts[output]
    // SAFETY: rows `first..<first + count` lie within the picture between the passes, and a whole
    // number of vectors lies within a row of it and of `target`.
    unsafe weights.values.withUnsafeBufferPointer { values in
      let run = output * weights.tapCount
      for offset in Swift.stride(from: 0, to: stride, by: vectorByteCount) {
        var sum = SIMD16<Int32>(repeating: half)
        for tap in 0..<count {
          let bytes = unsafe UnsafeRawPointer(rows + (first + tap) * stride + offset)
            .loadUnaligned(as: SIMD16<UInt8>.self)
          sum &+= unsafe SIMD16<Int32>(truncatingIfNeeded: bytes) &* values[run + tap]
        }
        let rounded = (sum &>> ResampleWeights.fractionBitCount)
          .clamped(lowerBound: .zero, upperBound: SIMD16(repeating: 255))
        unsafe UnsafeMutableRawPointer(target + offset).storeBytes(
          of: SIMD16<UInt8>(truncatingIfNeeded: rounded), as: SIMD16<UInt8>.self)
      }
    }
  }
}
