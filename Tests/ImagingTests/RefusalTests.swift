import Imaging
import Testing

/// Images that are not decoded: each refusal says what was found, what is allowed and what to do.
struct RefusalTests {
  private static func reason(
    _ bytes: [UInt8], _ contract: Preprocessing = .imageNet
  ) -> String {
    do throws(ImagingError) {
      _ = try ImagePreprocessor(contract).prepare(bytes)
      return "accepted"
    } catch { return error.description }
  }

  /// Returns the place of a marker of a JPEG.
  private static func place(of marker: UInt8, in bytes: [UInt8]) throws -> Int {
    try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == marker })
  }

  @Test(
    "JPEG of another process than baseline and progressive is told by its name",
    arguments: [
      (0xC3, "lossless JPEG"), (0xC5, "hierarchical JPEG"), (0xC6, "hierarchical JPEG"),
      (0xC7, "hierarchical JPEG"), (0xC8, "JPEG of a reserved kind"),
      (0xC9, "arithmetic"), (0xCA, "arithmetic"), (0xCB, "lossless JPEG with arithmetic"),
      (0xCD, "hierarchical JPEG with arithmetic"), (0xF7, "JPEG-LS"),
    ] as [(UInt8, String)])
  func processes(marker: UInt8, name: String) throws {
    var bytes = Fixtures.bytes("baseline-420.jpg")
    bytes[try Self.place(of: 0xC0, in: bytes) + 1] = marker
    let reason = Self.reason(bytes)
    #expect(reason.hasPrefix("the JPEG image cannot be decoded: it"), "\(reason)")
    #expect(reason.contains(name) && reason.contains("save it as a baseline"), "\(reason)")
  }

  @Test("A JPEG of other samples is refused with their number of bits")
  func precision() throws {
    var bytes = Fixtures.bytes("baseline-420.jpg")
    bytes[try Self.place(of: 0xC0, in: bytes) + 4] = 12
    let reason = Self.reason(bytes)
    #expect(reason.contains("its samples have 12 bits; save it as a baseline"), "\(reason)")
  }

  @Test("The marker of JPEG-LS inside of another JPEG is damage")
  func strayMarker() throws {
    var bytes = Fixtures.bytes("baseline-420.jpg")
    bytes[try Self.place(of: 0xDA, in: bytes) + 1] = 0xF7
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      if case ImagingError.corrupt(.jpeg, _) = error { true } else { false }
    }
  }

  @Test(
    "A refusal of the contract says what it takes",
    arguments: [
      ("rgba.png", "save the image without alpha"), ("grey.jpg", "send one in RGB"),
      ("cmyk-adobe.jpg", "convert the image"), ("rgb-16.png", "save the image with 8"),
    ])
  func policies(file: String, remedy: String) throws {
    var policies = ImagePolicies()
    (policies.alpha, policies.grey) = (.refuse, .refuse)
    (policies.cmyk, policies.sixteenBit) = (.refuse, .refuse)
    let contract = try Preprocessing.unscaled(height: 8, width: 8, policies: policies)
    let reason = Self.reason(Fixtures.bytes(file), contract)
    #expect(reason.hasPrefix("the model does not accept"), "\(reason)")
    #expect(reason.contains(remedy), "\(reason)")
  }

  @Test("What is cut, damaged or too large comes with what to send")
  func remedies() {
    let cut = Array(Fixtures.bytes("rgb.png").dropLast(20))
    #expect(Self.reason(cut).contains("send the whole file"))
    let corrupt = ImagingError.corrupt(format: .png, reason: "x")
    #expect(corrupt.description.contains("x (send an undamaged copy of it"))
    for error in [
      ImagingError.pixelCount(width: 1, height: 2, limit: 1),
      .decodedByteCount(actual: 2, limit: 1),
    ] { #expect(error.description.contains("over the limit of 1: send a smaller one")) }
  }

  @Test("A bitmap of an unknown kind is refused with what to save it as")
  func bitmaps() throws {
    // Bytes of the header, bits of a pixel, compression.
    for (place, value) in [(14, 16 + 26), (28, 3), (30, 9)] {
      var bytes = Fixtures.bytes("Formats/rgb-24.bmp")
      bytes[place] = UInt8(value)
      #expect(Self.reason(bytes).contains("save it without compression"), "\(place)")
    }
  }

  @Test("A TIFF that does not say what its zero is says so, whatever its samples are")
  func photometric() throws {
    guard CodecVersions.areInstalled(for: .tiff) else { return }
    for file in ["grey.tif", "rgb.tif", "group4.tif"] {
      var bytes = Fixtures.bytes("Formats/" + file)
      // The entry of PhotometricInterpretation, 262, becomes one of Threshholding, 263.
      let place = try #require(
        bytes.indices.dropLast(8).first {
          Array(bytes[$0..<$0 + 8]) == [0x06, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00]
        })
      bytes[place] = 0x07
      let reason = Self.reason(bytes)
      #expect(
        reason.contains("PhotometricInterpretation is missing); save it with that tag"),
        "\(file): \(reason)")
    }
  }

  @Test("A fax whose codes are damaged is refused, though libtiff goes on")
  func damagedFax() throws {
    guard CodecVersions.areInstalled(for: .tiff) else { return }
    let whole = Fixtures.bytes("Formats/group4.tif")
    #expect(Self.reason(whole) == "accepted")
    var refused = 0
    // The codes stand after the header.
    for place in 8..<8 + 280 {
      var bytes = whole
      bytes[place] ^= 0xFF
      let reason = Self.reason(bytes)
      if reason == "accepted" { continue }
      refused += 1
      #expect(reason.contains("the TIFF image is corrupt"), "\(reason)")
    }
    #expect(refused > 200, "\(refused)")
  }
}
