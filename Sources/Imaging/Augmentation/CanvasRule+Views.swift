import CImageCodec

extension CanvasRule {
  /// Writes the view that serving computes of the image, `[C, H, W]`, normalised. `pixels` holds
  /// exactly `viewCount` numbers.
  package func plainView(_ canvas: Canvas, into pixels: inout MutableSpan<Float>) {
    view(canvas, DrawnView(crop: .cut(plainBox)), into: &pixels)
  }

  /// Writes a random view, `[C, H, W]`, normalised; the same key gives the same one. `pixels` holds
  /// exactly `viewCount` numbers.
  package func view(
    _ canvas: Canvas, _ augmentation: Augmentation, key: AugmentationKey,
    into pixels: inout MutableSpan<Float>
  ) {
    let drawn = DrawnView(augmentation, key: key, plain: plainBox, canvas: canvasSize)
    view(canvas, drawn, into: &pixels)
  }

  /// Writes a view that is decided already.
  package func view(
    _ canvas: Canvas, _ drawn: DrawnView, into pixels: inout MutableSpan<Float>
  ) {
    precondition(
      (canvas.height, canvas.width, canvas.channels)
        == (canvasSize.height, canvasSize.width, canvasContract.channelCount),
      "a canvas must have the size of its rule")
    precondition(pixels.count == viewCount, "pixels must hold viewCount numbers")
    let count = plainBox.height * plainBox.width
    // SAFETY: the numbers are those of the view, and its colours are followed by the bytes that a
    // pass may write after the last row.
    unsafe pixels.withUnsafeMutableBytes { numbers in
      unsafe Self.withBytes(3 * count + Self.laneCount) { colours in
        unsafe writeColours(canvas, drawn, colours)
        for change in drawn.colours { unsafe change.apply(to: colours, count: count) }
        unsafe table.write(
          colours, count: count, into: numbers.baseAddress!, at: 0, of: count)
      }
    }
    if let box = drawn.erased { erase(box, in: &pixels) }
  }

  private static var laneCount: Int { Int(IMAGE_CODEC_RESAMPLE_LANE_COUNT) }

  /// Lends so many bytes, which hold anything.
  private static func withBytes(_ count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { buffer in
      // SAFETY: the callers ask for at least one byte, so that there is an address.
      unsafe body(buffer.baseAddress!)
    }
  }

  private func erase(_ box: PixelBox, in pixels: inout MutableSpan<Float>) {
    for channel in 0..<contract.channelCount {
      for y in box.top..<box.top + box.height {
        let row = (channel * plainBox.height + y) * plainBox.width
        for x in box.left..<box.left + box.width { pixels[row + x] = 0 }
      }
    }
  }

  // MARK: Geometry

  /// Writes the view's pixels of RGB, row after row. `colours` has room for them and a vector more.
  private func writeColours(
    _ canvas: Canvas, _ drawn: DrawnView, _ colours: UnsafeMutablePointer<UInt8>
  ) {
    switch drawn.crop {
    case .cut(let box): unsafe cut(canvas, box, into: colours)
    case .resized(let box): unsafe resize(canvas, box, into: colours)
    }
    guard drawn.isFlipped else { return }
    for y in 0..<plainBox.height {
      unsafe Self.mirror(colours + 3 * y * plainBox.width, count: plainBox.width)
    }
  }

  private func cut(_ canvas: Canvas, _ box: PixelBox, into colours: UnsafeMutablePointer<UInt8>) {
    precondition(
      box.height == plainBox.height && box.width == plainBox.width, "a cut must have a view's size")
    let columns = box.left..<box.left + box.width
    let inside = columns.clamped(to: 0..<canvas.width)
    for y in 0..<box.height {
      let row = unsafe colours + 3 * y * box.width
      let source = Self.mirrored(box.top + y, canvas.height)
      // SAFETY: a row of the view holds all columns, and those mirrored lie in the canvas.
      unsafe Self.copy(canvas, row: source, inside, to: row + 3 * (inside.lowerBound - box.left))
      for x in columns where !inside.contains(x) {
        let column = Self.mirrored(x, canvas.width)
        unsafe Self.copy(canvas, row: source, column..<column + 1, to: row + 3 * (x - box.left))
      }
    }
  }

  /// Returns the place in an axis of `count` pixels that is seen at `place` where mirrors stand on
  /// the middles of the first and the last pixel.
  private static func mirrored(_ place: Int, _ count: Int) -> Int {
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let rest = ((place % period) + period) % period
    return min(rest, period - rest)
  }

  /// Resizes a part of the canvas as Pillow resizes an image that was cropped to it.
  private func resize(
    _ canvas: Canvas, _ box: PixelBox, into colours: UnsafeMutablePointer<UInt8>
  ) {
    precondition(
      box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0
        && box.top + box.height <= canvas.height && box.left + box.width <= canvas.width,
      "a part must lie in its canvas")
    let rowWindow = SampleWindow(
      sourceCount: box.height, resizedCount: plainBox.height, outputCount: plainBox.height)
    let columnWindow = SampleWindow(
      sourceCount: box.width, resizedCount: plainBox.width, outputCount: plainBox.width)
    let narrowsFirst = SampleWindow.narrowsFirst(rows: rowWindow, columns: columnWindow)
    let rows = ResampleWeights(rowWindow, filter: contract.resize.filter)
    let columns = ResampleWeights(columnWindow, filter: contract.resize.filter)
    let keptWidth = narrowsFirst ? plainBox.width : box.width
    let stride = (3 * keptWidth + Self.laneCount - 1) / Self.laneCount * Self.laneCount
    let wanted = box.left..<box.left + box.width
    // SAFETY: a row is as long as the wider of canvas and pass, with what the passes read and write
    // beyond their pixels; rows between the passes are `stride` long.
    let rowByteCount = 3 * box.width + 2 * Self.laneCount
    unsafe Self.withBytes(rowByteCount) { row in
      unsafe Self.withBytes(box.height * stride) { kept in
        for y in 0..<box.height {
          if narrowsFirst {
            unsafe Self.copy(canvas, row: box.top + y, wanted, to: row)
            unsafe Self.narrow(row, into: kept + y * stride, columns)
          } else {
            unsafe Self.copy(canvas, row: box.top + y, wanted, to: kept + y * stride)
          }
        }
        for y in 0..<plainBox.height {
          let target = unsafe colours + 3 * y * plainBox.width
          // Rows follow each other, so that bytes beyond a row's end are written again with the
          // next one.
          unsafe Self.lower(
            kept, stride: stride, output: y, into: narrowsFirst ? target : row, rows)
          if !narrowsFirst { unsafe Self.narrow(row, into: target, columns) }
        }
      }
    }
  }

  private static func narrow(
    _ source: UnsafePointer<UInt8>, into target: UnsafeMutablePointer<UInt8>,
    _ weights: borrowing ResampleWeights
  ) {
    // SAFETY: every run of taps lies within the source, by construction of the weights, and the
    // arrays hold one entry per output, `tapCount` for the weights.
    unsafe weights.starts.withUnsafeBufferPointer { starts in
      unsafe weights.values.withUnsafeBufferPointer { values in
        unsafe image_codec_resample_row(
          source, target, starts.count, weights.tapCount, starts.baseAddress!,
          values.baseAddress!)
      }
    }
  }

  private static func lower(
    _ rows: UnsafePointer<UInt8>, stride: Int, output: Int,
    into target: UnsafeMutablePointer<UInt8>, _ weights: borrowing ResampleWeights
  ) {
    // SAFETY: the rows of the run lie within those kept, of which all are.
    unsafe weights.values.withUnsafeBufferPointer { values in
      unsafe image_codec_resample_columns(
        rows + weights.starts[output] * stride, stride, weights.tapCount,
        values.baseAddress! + output * weights.tapCount, target)
    }
  }

  /// Copies pixels of a canvas' row as RGB.
  private static func copy(
    _ canvas: Canvas, row: Int, _ columns: Range<Int>, to target: UnsafeMutablePointer<UInt8>
  ) {
    guard !columns.isEmpty else { return }
    precondition(
      0..<canvas.height ~= row && columns.lowerBound >= 0 && columns.upperBound <= canvas.width,
      "pixels must lie in their canvas")
    // SAFETY: the precondition bounds what is read, and the caller gives room for all columns.
    unsafe canvas.pixels.withUnsafeBufferPointer { pixels in
      let place = (row * canvas.width + columns.lowerBound) * canvas.channels
      let source = unsafe pixels.baseAddress! + place
      if canvas.channels == 3 {
        unsafe target.update(from: source, count: 3 * columns.count)
        return
      }
      for x in 0..<columns.count {
        for channel in 0..<3 { unsafe target[3 * x + channel] = source[x] }
      }
    }
  }

  /// Reverses a row of `count` pixels in place.
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
