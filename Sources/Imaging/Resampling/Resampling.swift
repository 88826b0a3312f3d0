import CImageCodec

/// Passes of resampling, over rows of interleaved RGB. Sums are 32-bit integers and each pass
/// rounds to eight bits, as in Pillow, whose results these are bit for bit. Bands of eight bits give
/// the same numbers; for those of sixteen, which have the same weights, Pillow adds up in floating
/// point, and a result may differ by 1.
enum Resampling {
  /// Bytes from one row of the image between the passes to the next, a whole number of vectors.
  static func stride(pixelCount: Int, _ layout: PixelLayout) -> Int {
    let laneCount = Int(IMAGE_CODEC_RESAMPLE_LANE_COUNT)
    return (layout.pixelByteCount * pixelCount + laneCount - 1) / laneCount * laneCount
  }

  /// Bytes that may be read beyond the last pixel of a row of colours given to `resampleRow`.
  static let readAheadByteCount = 1

  /// Resamples one row horizontally. It begins with pixel `firstColumn` of the image; `target`
  /// receives `weights.starts.count` pixels.
  static func resampleRow(
    _ source: UnsafePointer<UInt8>, firstColumn: Int, into target: UnsafeMutablePointer<UInt8>,
    _ weights: borrowing ResampleWeights, _ layout: PixelLayout
  ) {
    let count = weights.starts.count
    guard count > 0 else { return }
    // SAFETY: every run of taps lies within the source row, by construction of the weights, and the
    // arrays hold one entry per output, `tapCount` for the weights. The pointer that runs are
    // counted from may lie before the row; no run does.
    unsafe weights.starts.withUnsafeBufferPointer { starts in
      unsafe weights.values.withUnsafeBufferPointer { values in
        let origin = unsafe source - layout.pixelByteCount * firstColumn
        switch layout {
        case .colours:
          unsafe image_codec_resample_row(
            origin, target, count, weights.tapCount, starts.baseAddress!, values.baseAddress!)
        case .bands(let bandCount, let top):
          unsafe image_codec_resample_band_row(
            origin, target, bandCount, top, count, weights.tapCount, starts.baseAddress!,
            values.baseAddress!)
        }
      }
    }
  }

  /// Resamples one output row vertically: `rows` is the first row of `weights.sources`, `target`
  /// receives `stride` bytes.
  static func resampleColumns(
    _ rows: UnsafePointer<UInt8>, stride: Int, output: Int,
    into target: UnsafeMutablePointer<UInt8>, _ weights: borrowing ResampleWeights,
    _ layout: PixelLayout
  ) {
    let first = weights.starts[output] - weights.sources.lowerBound
    // SAFETY: the rows of the run lie within the image between the passes, and a whole number of
    // vectors lies within a row of it and of `target`.
    unsafe weights.values.withUnsafeBufferPointer { values in
      let run = unsafe values.baseAddress! + output * weights.tapCount
      switch layout {
      case .colours:
        unsafe image_codec_resample_columns(
          rows + first * stride, stride, weights.tapCount, run, target)
      case .bands(_, let top):
        unsafe image_codec_resample_band_columns(
          rows + first * stride, stride, weights.tapCount, top, run, target)
      }
    }
  }
}
