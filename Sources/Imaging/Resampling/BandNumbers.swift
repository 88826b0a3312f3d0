/// Numbers that the samples of bands become in the network's input, in its encoding.
///
/// They are computed for each sample: a table, as `PixelTable` has one, would have 65536 numbers for
/// each band.
struct BandNumbers: Sendable {
  private let mean: [Float]
  private let std: [Float]
  private let white: Int
  private let encoding: PixelEncoding

  init(_ contract: Preprocessing, _ encoding: PixelEncoding) {
    (mean, std) = (contract.mean, contract.std)
    white = contract.range.rawValue
    self.encoding = encoding
  }

  /// Writes a row of samples, which are at most `top`, into an image of `pixelCount` pixels, from
  /// its pixel `start` on: `x * range / top`, normalised.
  func write(
    _ row: UnsafePointer<UInt8>, top: UInt16, count: Int, into output: UnsafeMutableRawPointer,
    at start: Int, of pixelCount: Int
  ) {
    precondition(start >= 0 && start + count <= pixelCount, "a row must lie in its image")
    let bands = mean.count
    switch encoding {
    case .planes:
      unsafe spread(row, top, count, output, at: start, step: 1, plane: pixelCount) { $0 }
    case .fp32:
      unsafe spread(row, top, count, output, at: bands * start, step: bands, plane: 1) { $0 }
    case .bf16:
      unsafe spread(
        row, top, count, output, at: bands * start, step: bands, plane: 1, PixelTable.bfloat16)
    case .s8(let scale, let zeroPoint):
      unsafe spread(row, top, count, output, at: bands * start, step: bands, plane: 1) {
        PixelTable.s8($0, scale: scale, zeroPoint: zeroPoint)
      }
    }
  }

  /// Writes number `x` of a band to `start + x * step`, each band `plane` numbers after the one
  /// before.
  private func spread<Number: BitwiseCopyable>(
    _ row: UnsafePointer<UInt8>, _ top: UInt16, _ count: Int, _ output: UnsafeMutableRawPointer,
    at start: Int, step: Int, plane: Int, _ encoded: (Float) -> Number
  ) {
    let bands = mean.count
    let unit = Float(Int(top) / white)
    // SAFETY: `write` bounds the output, and `row` holds `count` pixels of two bytes for each band,
    // at the alignment of a buffer's start.
    let numbers = unsafe output.assumingMemoryBound(to: Number.self) + start
    let samples = unsafe UnsafeRawPointer(row).assumingMemoryBound(to: UInt16.self)
    for band in 0..<bands {
      let target = unsafe numbers + band * plane
      let (mean, std) = (mean[band], std[band])
      for x in 0..<count {
        let number = unsafe Float(samples[x * bands + band]) / unit
        unsafe target[x * step] = encoded((number - mean) / std)
      }
    }
  }
}
