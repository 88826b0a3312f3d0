extension ImageReader {
  /// Offset of a row in its buffer, whose own start is a multiple of 16 bytes.
  ///
  /// libjpeg-turbo bypasses the caches when it writes to multiples of 16 (with AVX2, of 32), and
  /// the next reader of the row waits for memory: a whole image takes up to 1.7 times as long. Here
  /// each row is read at once.
  private static let rowOffset = 8

  /// Decodes the image, upright, into `kept`. Rows are passed on as the decoder yields them, so
  /// that the whole image is held only if its axes swap.
  mutating func read(
    _ plan: PreparationPlan, into kept: inout KeptRows
  ) throws(ImagingError) {
    let orientation = plan.orientation
    (isGrey, layout, dropsAlpha) = (plan.isGrey, plan.layout, plan.dropsAlpha)
    let isReversed = orientation.swapsAxes ? orientation.mirrorsRows : orientation.mirrorsColumns
    let storedWidth = (orientation.swapsAxes ? plan.rows : plan.columns).sourceCount
    let wanted = orientation.swapsAxes ? kept.rows : kept.columns
    try start(
      scaleDenominator: plan.scaleDenominator,
      wanting: isReversed ? Self.reversed(wanted, in: storedWidth) : wanted, plan.backdrop)
    /// First pixel read, along the upright axis.
    let first = (isReversed ? Self.reversed(columns, in: storedWidth) : columns).lowerBound
    if orientation.swapsAxes {
      let upright = try readTransposed(orientation)
      let rowByteCount = layout.pixelByteCount * height
      for y in kept.rows {
        let place = (y - first) * rowByteCount
        unsafe upright.withBytes(place..<place + rowByteCount) {
          unsafe kept.keep($0, firstColumn: 0, row: y)
        }
      }
      return
    }
    let place = Self.rowOffset..<Self.rowOffset + layout.pixelByteCount * columns.count
    var row = try PixelBuffer(count: place.upperBound + layout.readAheadByteCount)
    for stored in 0..<height {
      try unsafe row.withMutableBytes(place) { (pixels) throws(ImagingError) in
        try unsafe readRow(pixels)
        let y = orientation.mirrorsRows ? height - 1 - stored : stored
        guard kept.rows.contains(y) else { return }
        if orientation.mirrorsColumns { unsafe mirror(pixels, count: columns.count) }
        unsafe kept.keep(pixels, firstColumn: first, row: y)
      }
    }
    try finish()
  }

  /// Returns a range of an axis of `count` pixels as counted from its other end.
  private static func reversed(_ range: Range<Int>, in count: Int) -> Range<Int> {
    count - range.upperBound..<count - range.lowerBound
  }

  /// Reads the image with rows and columns swapped: `height` pixels wide, and as high as a row has
  /// columns.
  private mutating func readTransposed(
    _ orientation: Orientation
  ) throws(ImagingError) -> PixelBuffer {
    let (width, height) = (columns.count, height)
    let byteCount = layout.pixelByteCount
    var upright = try PixelBuffer(
      count: byteCount * width * height + layout.readAheadByteCount)
    let rowPlace = Self.rowOffset..<Self.rowOffset + byteCount * width
    var row = try PixelBuffer(count: rowPlace.upperBound)
    for stored in 0..<height {
      let x = orientation.mirrorsColumns ? height - 1 - stored : stored
      try unsafe row.withMutableBytes(rowPlace) { (pixels) throws(ImagingError) in
        try unsafe readRow(pixels)
        // SAFETY: x and y stay below the upright image's sides, which are those read, swapped.
        unsafe upright.withMutableBytes(0..<byteCount * width * height) { target in
          for column in 0..<width {
            let y = orientation.mirrorsRows ? width - 1 - column : column
            let place = byteCount * (y * height + x)
            guard byteCount == 3 else {
              unsafe (target + place).update(from: pixels + byteCount * column, count: byteCount)
              continue
            }
            unsafe target[place] = pixels[3 * column]
            unsafe target[place + 1] = pixels[3 * column + 1]
            unsafe target[place + 2] = pixels[3 * column + 2]
          }
        }
      }
    }
    try finish()
    return upright
  }

  /// Reverses a row of `count` pixels in place.
  private func mirror(_ pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    let byteCount = layout.pixelByteCount
    for left in 0..<count / 2 {
      let right = count - 1 - left
      for byte in 0..<byteCount {
        // SAFETY: both pixels lie within the row.
        let kept = unsafe pixels[byteCount * left + byte]
        unsafe pixels[byteCount * left + byte] = pixels[byteCount * right + byte]
        unsafe pixels[byteCount * right + byte] = kept
      }
    }
  }
}
