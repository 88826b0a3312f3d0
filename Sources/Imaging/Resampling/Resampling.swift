import CImageCodec

/// Passes of resampling, over rows of interleaved RGB. Sums are 32-bit integers and each pass
/// rounds to eight bits, as in Pillow, whose results these are bit for bit.
enum Resampling {
  /// Bytes from one row of the image between the passes to the next, a whole number of vectors.
  static func stride(pixelCount: Int) -> Int {
    let laneCount = Int(IMAGE_CODEC_RESAMPLE_LANE_COUNT)
    return (3 * pixelCount + laneCount - 1) / laneCount * laneCount
  }

  /// Bytes that may be read beyond the last pixel of a row given to `resampleRow`.
  static let readAheadByteCount = 1

  /// Resamples one row horizontally. It begins with pixel `firstColumn` of the image; `target`
  /// receives `weights.starts.count` pixels.
  static func resampleRow(
    _ source: UnsafePointer<UInt8>, firstColumn: Int, into target: UnsafeMutablePointer<UInt8>,
    _ weights: borrowing ResampleWeights
  ) {
    let count = weights.starts.count
    guard count > 0 else { return }
    // SAFETY: every run of taps lies within the source row, by construction of the weights, and the
    // arrays hold one entry per output, `tapCount` for the weights. The pointer that runs are
    // counted from may lie before the row; no run does.
    unsafe weights.starts.withUnsafeBufferPointer { starts in
      unsafe weights.values.withUnsafeBufferPointer { values in
        unsafe image_codec_resample_row(
          source - 3 * firstColumn, target, count, weights.tapCount, starts.baseAddress!,
          values.baseAddress!)
      }
    }
  }

  /// Resamples one output row vertically: `rows` is the first row of `weights.sources`, `target`
  /// receives `stride` bytes.
  static func resampleColumns(
    _ rows: UnsafePointer<UInt8>, stride: Int, output: Int,
    into target: UnsafeMutablePointer<UInt8>, _ weights: borrowing ResampleWeights
  ) {
    let first = weights.starts[output] - weights.sources.lowerBound
    // SAFETY: the rows of the run lie within the image between the passes, and a whole number of
    // vectors lies within a row of it and of `target`.
    unsafe weights.values.withUnsafeBufferPointer { values in
      unsafe image_codec_resample_columns(
        rows + first * stride, stride, weights.tapCount,
        values.baseAddress! + output * weights.tapCount, target)
    }
  }
}
