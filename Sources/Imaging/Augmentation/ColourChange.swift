/// Change of an image's colours as Pillow and torchvision's `adjust_…` for its images make it, bit
/// for bit.
package enum ColourChange: Sendable, Hashable {
  /// Between black (0), the image (1) and beyond.
  case brightness(Double)
  /// Between the even grey of the image's mean brightness (0), the image (1) and beyond.
  case contrast(Double)
  /// Between the image's greys (0), the image (1) and beyond.
  case saturation(Double)
  /// Turns the colour wheel; -0.5 to 0.5, of which 0.5 is half a turn.
  case hue(Double)

  /// Changes `count` pixels of RGB.
  func apply(to pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    switch self {
    case .brightness(let factor):
      unsafe Self.map(pixels, count, Self.blends(from: 0, Float(factor)))
    case .contrast(let factor):
      let mean = unsafe Self.meanGrey(pixels, count)
      unsafe Self.map(pixels, count, Self.blends(from: mean, Float(factor)))
    case .saturation(let factor): unsafe Self.saturate(pixels, count, Float(factor))
    case .hue(let turn): unsafe HueTurn(turn).apply(to: pixels, count: count)
    }
  }

  /// Returns a point of the line from one byte (0) through another (1), cut off as in Pillow's
  /// `Image.blend`.
  private static func blend(from start: Int, to end: Int, _ factor: Float) -> UInt8 {
    let value = Float(start) + factor * Float(end - start)
    return UInt8(max(0, min(255, value)))
  }

  private static func blends(from start: Int, _ factor: Float) -> [UInt8] {
    (0..<256).map { blend(from: start, to: $0, factor) }
  }

  private static func map(_ pixels: UnsafeMutablePointer<UInt8>, _ count: Int, _ table: [UInt8]) {
    // SAFETY: there are three bytes for each pixel, and a byte bounds the table's index.
    unsafe table.withUnsafeBufferPointer { table in
      for place in 0..<3 * count { unsafe pixels[place] = table[Int(pixels[place])] }
    }
  }

  private static func meanGrey(_ pixels: UnsafePointer<UInt8>, _ count: Int) -> Int {
    var sum = 0
    // SAFETY: there are `count` pixels.
    for pixel in 0..<count { unsafe sum += Int(Luma.grey(pixels + 3 * pixel)) }
    return Int(Double(sum) / Double(count) + 0.5)
  }

  private static func saturate(
    _ pixels: UnsafeMutablePointer<UInt8>, _ count: Int, _ factor: Float
  ) {
    for pixel in 0..<count {
      // SAFETY: there are `count` pixels.
      let grey = unsafe Int(Luma.grey(pixels + 3 * pixel))
      for place in 3 * pixel..<3 * pixel + 3 {
        unsafe pixels[place] = blend(from: grey, to: Int(pixels[place]), factor)
      }
    }
  }
}
