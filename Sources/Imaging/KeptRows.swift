/// The rows of the upright picture that the output needs, on their way from the decoder to the vertical
/// pass: resampled to the wanted columns if that pass comes first, else as they are.
struct KeptRows: ~Copyable {
  let rows: Range<Int>
  /// Bytes from one row to the next.
  let stride: Int
  /// Source columns that are kept as they are; nil where rows are resampled.
  private let columns: Range<Int>?
  private let weights: ResampleWeights
  private var pixels: PixelBuffer

  /// `weights` are those of the horizontal pass. Throws `outOfMemory`.
  init(
    rows: Range<Int>, narrowing: Bool, _ weights: ResampleWeights
  ) throws(ImagingError) {
    self.rows = rows
    self.weights = weights
    columns = narrowing ? nil : weights.sources
    let pixelCount = narrowing ? weights.starts.count : weights.sources.count
    stride = Resampling.stride(pixelCount: pixelCount)
    pixels = try PixelBuffer(count: rows.count * stride)
  }

  /// Takes in one whole row of the picture, which lies in `rows` and has the read-ahead behind it.
  mutating func keep(_ source: UnsafePointer<UInt8>, row: Int) {
    let place = (row - rows.lowerBound) * stride
    unsafe pixels.withMutableBytes(place..<place + stride) { target in
      if let columns {
        unsafe target.update(from: source + 3 * columns.lowerBound, count: 3 * columns.count)
      } else {
        unsafe Resampling.resampleRow(source, firstColumn: 0, into: target, weights)
      }
    }
  }

  /// Lends all kept rows.
  borrowing func withBytes(_ body: (UnsafePointer<UInt8>) -> Void) {
    unsafe pixels.withBytes(0..<pixels.count, body)
  }
}
