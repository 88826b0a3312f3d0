/// Grey as Pillow's `convert("L")` makes it: ITU-R 601-2 in 16-bit fractions.
enum Luma {
  /// Writes the grey of each pixel of a row into all its three channels.
  static func convert(_ row: UnsafeMutablePointer<UInt8>, count: Int) {
    for pixel in 0..<count {
      // SAFETY: the row holds `count` pixels.
      unsafe convert(row + 3 * pixel)
    }
  }

  private static func convert(_ pixel: UnsafeMutablePointer<UInt8>) {
    let grey = unsafe grey(pixel)
    for channel in 0..<3 { unsafe pixel[channel] = grey }
  }

  /// Returns the grey of a pixel.
  static func grey(_ pixel: UnsafePointer<UInt8>) -> UInt8 {
    let sum = unsafe UInt32(pixel[0]) * 19595 + UInt32(pixel[1]) * 38470 + UInt32(pixel[2]) * 7471
    return UInt8(truncatingIfNeeded: (sum + 0x8000) >> 16)
  }
}
