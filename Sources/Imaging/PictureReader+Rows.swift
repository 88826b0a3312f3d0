extension PictureReader {
  /// Decodes the picture, upright, into `kept`. Rows pass on as they come out of the decoder, so that
  /// the whole picture is held only where its axes swap.
  mutating func read(
    _ plan: PreparationPlan, into kept: inout KeptRows
  ) throws(ImagingError) {
    try start(scaleDenominator: plan.scaleDenominator, plan.backdrop)
    if plan.orientation.swapsAxes {
      let upright = try readTransposed(plan.orientation)
      let rowByteCount = 3 * height
      for y in kept.rows {
        unsafe upright.withBytes(y * rowByteCount..<(y + 1) * rowByteCount) {
          unsafe kept.keep($0, row: y)
        }
      }
      return
    }
    let byteCount = 3 * width
    var row = try PixelBuffer(count: byteCount + Resampling.readAheadByteCount)
    for stored in 0..<height {
      try unsafe row.withMutableBytes(0..<byteCount) { (pixels) throws(ImagingError) in
        try unsafe readRow(pixels)
        let y = plan.orientation.mirrorsRows ? height - 1 - stored : stored
        guard kept.rows.contains(y) else { return }
        if plan.orientation.mirrorsColumns { unsafe Self.mirror(pixels, count: width) }
        unsafe kept.keep(pixels, row: y)
      }
    }
    try finish()
  }

  /// The whole picture with rows and columns exchanged: `height` pixels wide, `width` high.
  private mutating func readTransposed(
    _ orientation: Orientation
  ) throws(ImagingError) -> PixelBuffer {
    let (width, height) = (width, height)
    var upright = try PixelBuffer(count: 3 * width * height + Resampling.readAheadByteCount)
    var row = try PixelBuffer(count: 3 * width)
    for stored in 0..<height {
      let x = orientation.mirrorsColumns ? height - 1 - stored : stored
      try unsafe row.withMutableBytes(0..<3 * width) { (pixels) throws(ImagingError) in
        try unsafe readRow(pixels)
        // SAFETY: x and y stay below the upright picture's sides, which are the stored ones exchanged.
        unsafe upright.withMutableBytes(0..<3 * width * height) { target in
          for column in 0..<width {
            let y = orientation.mirrorsRows ? width - 1 - column : column
            let place = 3 * (y * height + x)
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

  /// Turns a row of `count` pixels around in place.
  private static func mirror(_ pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for left in 0..<count / 2 {
      let right = count - 1 - left
      for channel in 0..<3 {
        // SAFETY: both pixels lie within the row.
        let kept = unsafe pixels[3 * left + channel]
        unsafe pixels[3 * left + channel] = pixels[3 * right + channel]
        unsafe pixels[3 * right + channel] = kept
      }
    }
  }
}
