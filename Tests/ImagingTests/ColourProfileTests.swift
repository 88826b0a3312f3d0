import Imaging
import Testing

/// Conversion to sRGB by embedded ICC profiles. Pillow brings its own lcms2, so that a number may be
/// rounded otherwise.
struct ColourProfileTests {
  private static func preprocessor(
    _ image: Fixtures.Image, _ profile: ImagePolicies.ColourProfile,
    limits: DecodingLimits = DecodingLimits()
  ) throws -> ImagePreprocessor {
    var policies = ImagePolicies()
    policies.colourProfile = profile
    return ImagePreprocessor(
      try .unscaled(height: image.height, width: image.width, policies: policies), limits: limits)
  }

  private static func image(_ file: String) throws -> Fixtures.Image {
    try #require(Fixtures.listing.profiled.first { $0.file == file })
  }

  @Test(
    "Colours are those of profileToProfile",
    arguments: Fixtures.listing.profiled.filter(\.isDecodable))
  func converts(image: Fixtures.Image) throws {
    let bytes = Fixtures.bytes(image.file)
    let pixels = try Self.preprocessor(image, .sRGB).prepareBytes(bytes)
    let expected = Fixtures.bytes(image.file + ".srgb")
    #expect(pixels.count == expected.count)
    #expect(try largestDifference(pixels, expected) <= #require(image.largest))
    let stored = try Self.preprocessor(image, .ignore).prepareBytes(bytes)
    #expect(largestDifference(stored, expected) > 15, "without the key the profile is ignored")
  }

  @Test("An image without a profile, and one of CMYK, stay as they are")
  func withoutProfile() throws {
    for file in ["rgb.png", "baseline-444.jpg", "lossless.webp", "grey.jpg", "cmyk-adobe.jpg"] {
      let image = try #require(Fixtures.listing.images.first { $0.file == file })
      let pixels = try Self.preprocessor(image, .sRGB).prepareBytes(Fixtures.bytes(file))
      #expect(pixels == Fixtures.bytes(file + ".rgb"))
    }
  }

  @Test(
    "A profile for other colours than the image's counts as none",
    arguments: Fixtures.listing.foreign.filter(\.isDecodable))
  func foreign(image: Fixtures.Image) throws {
    let bytes = Fixtures.bytes(image.file)
    let ignored = try Self.preprocessor(image, .ignore).prepareBytes(bytes)
    #expect(try Self.preprocessor(image, .sRGB).prepareBytes(bytes) == ignored)
  }

  /// Returns the JPEG with one part of its profile changed.
  private static func spoiled(_ change: (inout [UInt8], Int) -> Void) throws -> [UInt8] {
    var bytes = Fixtures.bytes("profile-rgb.jpg")
    let name = Array("ICC_PROFILE".utf8)
    let place = try #require(
      bytes.indices.first { Array(bytes[$0..<min($0 + name.count, bytes.count)]) == name })
    change(&bytes, place)
    return bytes
  }

  @Test("A profile that cannot be used is an error, and none if profiles are ignored")
  func unusable() throws {
    let image = try Self.image("profile-rgb.jpg")
    let files = try [
      // A number beyond the count, a part twice, another count.
      Self.spoiled { bytes, place in bytes[place + 12] = 9 },
      Self.spoiled { bytes, place in bytes[place + 12] = 1 },
      Self.spoiled { bytes, place in bytes[place + 13] = 4 },
      // The head of the profile is in the second segment: its signature.
      Self.spoiled { bytes, place in
        let head = bytes.indices.first {
          Array(bytes[$0..<min($0 + 4, bytes.count)]) == Array("acsp".utf8)
        }
        if let head { bytes[head] = UInt8(ascii: "X") }
      },
    ]
    for bytes in files {
      let strict = try Self.preprocessor(image, .sRGB)
      #expect {
        try strict.prepare(bytes)
      } throws: { error in
        guard case ImagingError.unsupportedFeature(.jpeg, let reason) = error else { return false }
        return reason.contains("colour profile")
      }
      #expect(try Self.preprocessor(image, .ignore).prepare(bytes).count > 0)
    }
  }

  @Test("A profile may have two mebibytes and no more")
  func size() throws {
    let image = try Self.image("profile-rgb.webp")
    let preprocessor = try Self.preprocessor(image, .sRGB)
    for (length, isAllowed) in [(2 << 20, true), ((2 << 20) + 2, false)] {
      var bytes = Fixtures.bytes(image.file)
      let place = try #require(
        bytes.indices.first { Array(bytes[$0..<min($0 + 4, bytes.count)]) == Array("ICCP".utf8) })
      let stored = Int(bytes[place + 4]) + Int(bytes[place + 5]) << 8
      let end = place + 8 + stored + stored % 2
      bytes.insert(contentsOf: [UInt8](repeating: 0, count: length - (end - place - 8)), at: end)
      for (field, value) in [(4, bytes.count - 8), (place + 4, length)] {
        for byte in 0..<4 { bytes[field + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
      }
      if isAllowed {
        let pixels = try preprocessor.prepareBytes(bytes)
        #expect(largestDifference(pixels, Fixtures.bytes(image.file + ".srgb")) <= 1)
      } else {
        #expect(throws: ImagingError.self) { try preprocessor.prepare(bytes) }
      }
    }
  }

  @Test("Every cut and every changed byte of a profile ends in pixels or an error")
  func hostile() throws {
    for file in [
      "profile-rgb.png", "profile-grey.jpg", "profile-rgb.webp", "profile-rgb.tif",
      "profile-rgb.avif", "profile-grey.avif",
    ] {
      let image = try Self.image(file)
      guard image.isDecodable else { continue }
      let preprocessor = try Self.preprocessor(image, .sRGB)
      let sound = Fixtures.bytes(file)
      for index in stride(from: 0, to: min(sound.count, 800), by: 5) {
        var bytes = sound
        bytes[index] ^= 0x55
        _ = try? preprocessor.prepare(bytes)
        _ = try? preprocessor.prepare(Array(sound[..<index]))
      }
    }
  }

  @Test("The memory of a profile counts against the limit before it is taken")
  func memory() throws {
    let image = try Self.image("profile-rgb.png")
    let limits = DecodingLimits(decodedByteCountLimit: 1 << 20)
    let bytes = Fixtures.bytes(image.file)
    #expect(try Self.preprocessor(image, .ignore, limits: limits).prepare(bytes).count > 0)
    #expect {
      try Self.preprocessor(image, .sRGB, limits: limits).prepare(bytes)
    } throws: { error in
      guard case ImagingError.decodedByteCount = error else { return false }
      return true
    }
  }
}
