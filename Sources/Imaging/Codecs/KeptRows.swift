/// Rows of the upright image that the output needs, on their way from the decoder to the vertical
/// pass: resampled to the wanted columns if the horizontal pass comes first, else as decoded.
struct KeptRows: ~Copyable {
  let rows: Range<Int>
  /// Columns of the upright image that the output needs.
  var columns: Range<Int> { weights.sources }
  /// Bytes from one row to the next.
  let stride: Int
  private let isNarrowing: Bool
  private let weights: ResampleWeights
  private let layout: PixelLayout
  private var pixels: PixelBuffer

  /// Takes the memory for all rows; `weights` are those of the horizontal pass. Throws
  /// `outOfMemory`.
  init(
    rows: Range<Int>, narrowing: Bool, _ weights: ResampleWeights, _ layout: PixelLayout
  ) throws(ImagingError) {
    self.rows = rows
    (self.weights, self.layout) = (weights, layout)
    isNarrowing = narrowing
    let pixelCount = narrowing ? weights.starts.count : weights.sources.count
    stride = Resampling.stride(pixelCount: pixelCount, layout)
    pixels = try PixelBuffer(count: rows.count * stride)
  }

  /// Keeps one row of the image. It lies in `rows`, begins with column `firstColumn`, holds all
  /// `columns`, and is followed by the read-ahead.
  mutating func keep(_ source: UnsafePointer<UInt8>, firstColumn: Int, row: Int) {
    let place = (row - rows.lowerBound) * stride
    unsafe pixels.withMutableBytes(place..<place + stride) { target in
      if isNarrowing {
        unsafe Resampling.resampleRow(
          source, firstColumn: firstColumn, into: target, weights, layout)
      } else {
        let sources = weights.sources
        unsafe target.update(
          from: source + layout.pixelByteCount * (sources.lowerBound - firstColumn),
          count: layout.pixelByteCount * sources.count)
      }
    }
  }

  /// Lends all kept rows.
  borrowing func withBytes(_ body: (UnsafePointer<UInt8>) -> Void) {
    unsafe pixels.withBytes(0..<pixels.count, body)
  }
}
