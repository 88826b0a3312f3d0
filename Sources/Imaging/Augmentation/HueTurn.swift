/// Turn of the colour wheel in Pillow's mode `HSV`, whose hue, saturation and value are bytes.
///
/// The numbers are those of `rgb2hsv_row` and `hsv2rgb` in Pillow's `Convert.c`, which mixes single
/// and double precision. Nothing branches on a pixel's hue, which noise makes unpredictable: that
/// takes several times as long.
struct HueTurn {
  /// Hue in sixths of a turn: the fraction, and the place of the byte of each channel among the `Parts`.
  private struct Sixth {
    var rest: Float
    var places: (red: UInt32, green: UInt32, blue: UInt32)
  }

  /// Bytes that a channel can have, in one number.
  private enum Parts {
    static let value: UInt32 = 0
    static let falling: UInt32 = 8
    static let rising: UInt32 = 16
    static let low: UInt32 = 24
  }

  /// What each hue is in sixths.
  private static let sixths: [Sixth] = (0..<256).map { hue in
    let sixths = Double(hue) * 6 / 255
    let sixth = Int(sixths)
    let places =
      switch sixth % 6 {
      case 0: (Parts.value, Parts.rising, Parts.low)
      case 1: (Parts.falling, Parts.value, Parts.low)
      case 2: (Parts.low, Parts.value, Parts.rising)
      case 3: (Parts.low, Parts.falling, Parts.value)
      case 4: (Parts.rising, Parts.low, Parts.value)
      default: (Parts.value, Parts.low, Parts.falling)
      }
    return Sixth(rest: Float(sixths - Double(sixth)), places: places)
  }

  /// Steps of the hue's byte.
  private let step: UInt8

  /// Makes a turn of -0.5 to 0.5.
  init(_ turn: Double) { step = UInt8(truncatingIfNeeded: Int(turn * 255)) }

  /// Changes `count` pixels of RGB.
  func apply(to pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    // SAFETY: there are `count` pixels, and a byte bounds the table's index.
    unsafe Self.sixths.withUnsafeBufferPointer { sixths in
      for pixel in 0..<count {
        let place = unsafe pixels + 3 * pixel
        let (red, green, blue) = unsafe (place[0], place[1], place[2])
        let most = max(red, green, blue)
        let range = most - min(red, green, blue)
        let saturation = Self.saturation(range, most)
        // What has no saturation once it is a byte becomes grey.
        guard saturation > 0 else {
          for channel in 0..<3 { unsafe place[channel] = most }
          continue
        }
        let hue = Self.hue(red, green, blue, most, range: range) &+ step
        let sixth = unsafe sixths[Int(hue)]
        let parts = Self.parts(saturation, most, rest: sixth.rest)
        unsafe place[0] = UInt8(truncatingIfNeeded: parts >> sixth.places.red)
        unsafe place[1] = UInt8(truncatingIfNeeded: parts >> sixth.places.green)
        unsafe place[2] = UInt8(truncatingIfNeeded: parts >> sixth.places.blue)
      }
    }
  }

  private static func saturation(_ range: UInt8, _ most: UInt8) -> UInt8 {
    range == 0 ? 0 : byte(Double(Float(range) / Float(most)) * 255)
  }

  private static func hue(
    _ red: UInt8, _ green: UInt8, _ blue: UInt8, _ most: UInt8, range: UInt8
  ) -> UInt8 {
    let isRed = red == most
    let isGreen = green == most
    let start = isRed ? 0 : isGreen ? 2.0 : 4.0
    let after = isRed ? blue : isGreen ? red : green
    let before = isRed ? green : isGreen ? blue : red
    let more = Float(most - after) / Float(range)
    let less = Float(most - before) / Float(range)
    let sixths = Float(start + Double(more) - Double(less))
    let turns = Double(sixths) / 6 + 1
    return byte(Double(Float(turns >= 1 ? turns - 1 : turns)) * 255)
  }

  private static func parts(_ saturation: UInt8, _ value: UInt8, rest: Float) -> UInt32 {
    let share = Float(Double(saturation) / 255)
    let value = Double(value)
    // Rounded to nearest, halves up.
    let falling = byte(value * (1 - Double(share * rest)) + 0.5)
    let rising = byte(value * (1 - Double(share) * (1 - Double(rest))) + 0.5)
    let low = byte(value * (1 - Double(share)) + 0.5)
    return UInt32(value) << Parts.value | UInt32(falling) << Parts.falling
      | UInt32(rising) << Parts.rising | UInt32(low) << Parts.low
  }

  /// Cuts off the fraction of a number from 0 to below 256.
  private static func byte(_ number: Double) -> UInt8 {
    UInt8(truncatingIfNeeded: Int32(number))
  }
}
