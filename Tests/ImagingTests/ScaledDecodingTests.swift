import Imaging
import Testing

/// JPEGs decoded at a fraction of their size: `Preprocessing.exact` is off.
struct ScaledDecodingTests {
  /// Tolerance, of 255. A full-size decoding averages all samples of a pixel; a scaled one drops
  /// the high frequencies of each block instead, which shows at edges.
  private static let meanLimit = 1.5
  private static let largestLimit = 10

  private static func prepared(
    _ bytes: [UInt8], height: Int, width: Int, exact: Bool
  ) throws -> [UInt8] {
    try ImagePreprocessor(
      .plain(.exact(height: height, width: width, filter: .bilinear), exact: exact)
    )
    .prepareBytes(bytes)
  }

  /// Turns an upright image of `width` x `height` as an orientation stores it; EXIF 2.32, tag
  /// 0x0112.
  private static func turned(
    _ pixels: [UInt8], height: Int, width: Int, _ orientation: UInt8
  ) -> [UInt8] {
    let swaps = orientation >= 5
    var turned: [UInt8] = []
    for y in 0..<(swaps ? width : height) {
      for x in 0..<(swaps ? height : width) {
        let (across, down) = swaps ? (y, x) : (x, y)
        let mirrorsAcross = [2, 3, 7, 8].contains(orientation)
        let mirrorsDown = [3, 4, 6, 7].contains(orientation)
        let column = mirrorsAcross ? width - 1 - across : across
        let row = mirrorsDown ? height - 1 - down : down
        turned += pixels[3 * (row * width + column)..<3 * (row * width + column) + 3]
      }
    }
    return turned
  }

  @Test(
    "The pixels are Pillow's, from its draft and from the whole image",
    arguments: Fixtures.listing.scalings)
  func agreesWithPillow(scaling: Fixtures.Scaling) throws {
    let image = Fixtures.bytes(scaling.image)
    for (suffix, exact) in [("scaled", false), ("exact", true)] {
      let pixels = try Self.prepared(
        image, height: scaling.height, width: scaling.width, exact: exact)
      let expected = Fixtures.bytes("\(scaling.file).\(suffix).rgb")
      #expect(pixels.count == expected.count)
      #expect(largestDifference(pixels, expected) == 0, "\(suffix)")
    }
  }

  @Test("The difference from the whole image is small", arguments: Fixtures.listing.scalings)
  func staysClose(scaling: Fixtures.Scaling) throws {
    let image = Fixtures.bytes(scaling.image)
    let scaled = try Self.prepared(
      image, height: scaling.height, width: scaling.width, exact: false)
    let whole = try Self.prepared(
      image, height: scaling.height, width: scaling.width, exact: true)
    #expect((scaled == whole) == (scaling.denominator == 1))
    #expect(meanDifference(scaled, whole) <= Self.meanLimit)
    #expect(largestDifference(scaled, whole) <= Self.largestLimit)
  }

  @Test(
    "A scaled image is turned upright without a shift",
    arguments: [(height: 9, width: 13), (19, 26), (39, 52)], 1...8 as ClosedRange<UInt8>)
  func orientation(size: (height: Int, width: Int), orientation: UInt8) throws {
    let image = Fixtures.bytes("photo-420.jpg")
    let upright = try Self.prepared(
      image, height: size.height, width: size.width, exact: false)
    let swaps = orientation >= 5
    let pixels = try Self.prepared(
      Fixtures.oriented(image, orientation), height: swaps ? size.width : size.height,
      width: swaps ? size.height : size.width, exact: false)
    let expected = Self.turned(upright, height: size.height, width: size.width, orientation)
    // The passes round in another order.
    #expect(largestDifference(pixels, expected) <= 1)
  }

  @Test(
    "Images that are not twice as large as wanted, and other formats, are decoded whole",
    arguments: ["one-pixel.jpg", "thin.jpg", "wide.jpg", "resize-source.png", "lossy.webp"])
  func untouched(file: String) throws {
    let image = Fixtures.bytes(file)
    for side in [1, 2, 12] {
      #expect(
        try Self.prepared(image, height: side, width: side, exact: false)
          == Self.prepared(image, height: side, width: side, exact: true))
    }
  }

  @Test("The pixel limit counts the stored pixels")
  func pixelLimit() throws {
    let contract = try Preprocessing.plain(.exact(height: 9, width: 13, filter: .bilinear))
    let limits = DecodingLimits(pixelCountLimit: 211 * 157 - 1)
    #expect(
      throws: ImagingError.pixelCount(width: 211, height: 157, limit: limits.pixelCountLimit)
    ) {
      try ImagePreprocessor(contract, limits: limits).prepare(Fixtures.bytes("photo-420.jpg"))
    }
  }

  @Test("A scaled image that must be held whole takes less memory")
  func byteLimit() throws {
    let image = Fixtures.oriented(Fixtures.bytes("photo-420.jpg"), 6)
    let limits = DecodingLimits(decodedByteCountLimit: 90_000)
    func prepare(exact: Bool) throws {
      let contract = try Preprocessing.plain(
        .exact(height: 13, width: 9, filter: .bilinear), exact: exact)
      _ = try ImagePreprocessor(contract, limits: limits).prepare(image)
    }
    try prepare(exact: false)
    #expect {
      try prepare(exact: true)
    } throws: { error in
      guard case ImagingError.decodedByteCount = error else { return false }
      return true
    }
  }
}
