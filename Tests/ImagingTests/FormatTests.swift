import Imaging
import Testing

/// GIF, BMP, TIFF, AVIF and HEIC against Pillow.
struct FormatTests {
  private static let limits = DecodingLimits(
    pixelCountLimit: 1 << 20, decodedByteCountLimit: 64 << 20)

  @Test(
    "Every kind of image decodes to the pixels that Pillow decodes",
    arguments: FormatFixtures.decodable)
  func decodesAsPillow(image: FormatFixtures.Image) throws {
    let preprocessor = ImagePreprocessor(
      try .unscaled(height: image.height, width: image.width))
    let pixels = try preprocessor.prepareBytes(image.bytes)
    #expect(pixels.count == image.expected.count)
    #expect(largestDifference(pixels, image.expected) <= image.largest)
    #expect(meanDifference(pixels, image.expected) <= image.mean)
  }

  @Test(
    "Images of every kind become grey as Pillow's convert(\"L\") makes them",
    arguments: FormatFixtures.decodable)
  func grey(image: FormatFixtures.Image) throws {
    let coloured = try ImagePreprocessor(.unscaled(height: image.height, width: image.width))
      .prepareBytes(image.bytes)
    let contract = try Preprocessing(
      resize: .none, crop: .center(height: image.height, width: image.width), channelOrder: .grey,
      mean: [0], std: [1])
    let expected = stride(from: 0, to: coloured.count, by: 3).map { pixel in
      let (red, green, blue) = (coloured[pixel], coloured[pixel + 1], coloured[pixel + 2])
      let sum = UInt32(red) * 19595 + UInt32(green) * 38470 + UInt32(blue) * 7471
      return UInt8((sum + 0x8000) >> 16)
    }
    #expect(try ImagePreprocessor(contract).prepareBytes(image.bytes) == expected)
  }

  @Test(
    "An image cut anywhere is called truncated, or lacks nothing",
    arguments: FormatFixtures.decodable)
  func truncation(image: FormatFixtures.Image) throws {
    let preprocessor = ImagePreprocessor(
      try .unscaled(height: image.height, width: image.width), limits: Self.limits)
    let whole = image.bytes
    let format = try #require(Self.format(whole))
    let complete = try preprocessor.prepareBytes(whole)
    // Before that the bytes may not tell the format.
    let firstCut = 32
    for count in stride(from: firstCut, to: whole.count, by: max(1, whole.count / 97)) {
      // Further frames and images, and padding after the last row, may be missing.
      do {
        let pixels = try preprocessor.prepareBytes(Array(whole[..<count]))
        #expect(pixels == complete, "\(count) of \(whole.count) bytes")
      } catch {
        #expect(error == .truncated(format: format), "\(count) of \(whole.count) bytes")
      }
    }
  }

  @Test("Flipped bytes end in pixels or an error", arguments: FormatFixtures.decodable)
  func flippedBytes(image: FormatFixtures.Image) throws {
    let preprocessor = ImagePreprocessor(
      try .plain(.shorterSide(size: 12, filter: .bicubic), .center(height: 10, width: 14)),
      limits: Self.limits)
    var random = SplitMix64(state: UInt64(image.bytes.count))
    for _ in 0..<60 {
      var bytes = image.bytes
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if let pixels = try? preprocessor.prepare(bytes) {
        #expect(pixels.allSatisfy { (0...1).contains($0) })
      }
    }
  }

  private static func format(_ bytes: [UInt8]) -> ImageFormat? {
    ImageFormat(magicBytesOf: bytes.span)
  }

  private static func bytes(_ file: String) -> [UInt8] { Fixtures.bytes("Formats/" + file) }

  @Test("Every file is recognised by its first bytes")
  func recognition() {
    for image in FormatFixtures.listing.images {
      let ending = image.file.split(separator: ".").last.map(String.init)
      #expect(
        Self.format(image.bytes)?.rawValue == (ending == "tif" ? "tiff" : ending), "\(image)")
    }
  }

  @Test("Policies hold for the other formats too")
  func policies() throws {
    var policies = ImagePolicies()
    policies.alpha = .refuse
    for file in ["transparent.gif", "alpha.bmp", "rgba.tif", "alpha.avif", "alpha.heic"] {
      try Self.expectRefusal(of: file, as: "transparent", policies)
    }
    policies = ImagePolicies()
    (policies.cmyk, policies.grey, policies.sixteenBit) = (.refuse, .refuse, .refuse)
    try Self.expectRefusal(of: "cmyk.tif", as: "CMYK", policies)
    try Self.expectRefusal(of: "grey.tif", as: "grey", policies)
    try Self.expectRefusal(of: "rgb-16-big.tif", as: "16-bit", policies)
  }

  private static func expectRefusal(
    of file: String, as kind: String, _ policies: ImagePolicies
  ) throws {
    let bytes = bytes(file)
    guard let format = format(bytes), CodecVersions.areInstalled(for: format) else { return }
    let contract = try Preprocessing.unscaled(height: 8, width: 8, policies: policies)
    #expect(throws: ImagingError.refusedByContract(kind: kind), "\(file)") {
      try ImagePreprocessor(contract).prepare(bytes)
    }
  }

  @Test("Dropped alpha leaves the stored colours of a bitmap")
  func droppedAlpha() throws {
    var policies = ImagePolicies()
    policies.alpha = .drop
    let opaque = try ImagePreprocessor(.unscaled(height: 13, width: 21, policies: policies))
      .prepareBytes(Self.bytes("alpha.bmp"))
    #expect(opaque == Self.bytes("rgb-24.bmp.rgb"))
  }

  @Test("A library that is not installed is named, with its package")
  func missing() throws {
    for format in [ImageFormat.tiff, .avif, .heic] where !CodecVersions.areInstalled(for: format) {
      let file = [ImageFormat.tiff: "rgb.tif", .avif: "444.avif", .heic: "lossy.heic"][format]
      #expect {
        try ImagePreprocessor(.imageNet).prepare(Self.bytes(file ?? ""))
      } throws: { error in
        guard case ImagingError.unsupportedFeature(format, let reason) = error else { return false }
        return reason.contains("not installed") && reason.contains("Debian")
      }
    }
  }
}
