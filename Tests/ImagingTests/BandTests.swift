import Foundation
import Imaging
import Testing

/// Images with bands, against Pillow's results for each band (`Fixtures/Bands/make-bands.py`).
@Suite(.enabled(if: CodecVersions.areInstalled(for: .tiff))) struct BandTests {
  struct Image: Decodable, Sendable, CustomTestStringConvertible {
    struct Resize: Decodable, Sendable {
      let file: String
      let filter: String
      let width: Int
      let height: Int
    }
    let file: String
    let bands: Int
    let bits: Int
    let height: Int
    let width: Int
    let resizes: [Resize]
    var testDescription: String { file }
    /// Largest difference from Pillow, which adds up in floating point beyond eight bits.
    var tolerance: Int { bits == 8 ? 0 : 1 }
  }
  private struct Listing: Decodable { let images: [Image] }

  static let images: [Image] = {
    do {
      return try JSONDecoder().decode(Listing.self, from: Data(bytes("expected.json"))).images
    } catch { preconditionFailure("expected.json: \(error)") }
  }()

  static func bytes(_ file: String) -> [UInt8] { Fixtures.bytes("Bands/" + file) }

  /// Contract whose numbers are the samples.
  private static func contract(
    _ bands: Int, bits: Int, _ resize: ResizeRule, _ crop: CropRule = .none,
    policies: ImagePolicies = .forBands
  ) throws -> Preprocessing {
    try Preprocessing(
      resize: resize, crop: crop, channelOrder: .bands,
      mean: [Float](repeating: 0, count: bands), std: [Float](repeating: 1, count: bands),
      range: bits == 8 ? .byte : .word, policies: policies)
  }

  /// The samples of a file, those of a pixel next to each other, in planes.
  private static func planes(_ file: String, bands: Int) -> [Int] {
    let bytes = bytes(file)
    let samples = stride(from: 0, to: bytes.count, by: 2).map { place in
      Int(bytes[place]) | Int(bytes[place + 1]) << 8
    }
    let pixelCount = samples.count / bands
    return (0..<bands).flatMap { band in (0..<pixelCount).map { samples[$0 * bands + band] } }
  }

  private static func difference(_ numbers: [Float], _ expected: [Int]) -> Int {
    guard numbers.count == expected.count else { return .max }
    return zip(numbers, expected).map { abs(Int($0) - $1) }.max() ?? 0
  }

  @Test("Each band is resized as Pillow resizes it", arguments: images)
  func resizes(image: Image) throws {
    for resize in image.resizes {
      let filter = try #require(ResizeFilter(rawValue: resize.filter))
      let contract = try Self.contract(
        image.bands, bits: image.bits,
        .exact(height: resize.height, width: resize.width, filter: filter))
      let numbers = try ImagePreprocessor(contract).prepare(Self.bytes(image.file))
      let expected = Self.planes(resize.file, bands: image.bands)
      #expect(Self.difference(numbers, expected) <= image.tolerance, "\(resize.file)")
    }
  }

  @Test("The scale of mean and std is 1, 255 or the stored numbers, for each band its own")
  func normalization() throws {
    let file = Self.bytes("one-16.tif")
    func prepared(_ range: Preprocessing.PixelRange, _ mean: Float, _ std: Float) throws -> [Float]
    {
      try ImagePreprocessor(
        Preprocessing(
          resize: .none, crop: .center(height: 23, width: 29), channelOrder: .bands, mean: [mean],
          std: [std], range: range)
      ).prepare(file)
    }
    let stored = try prepared(.word, 0, 1)
    #expect(stored.contains { $0 > 8000 })
    #expect(try prepared(.word, 1000, 500) == stored.map { ($0 - 1000) / 500 })
    #expect(try prepared(.unit, 0.25, 0.5) == stored.map { ($0 / 65535 - 0.25) / 0.5 })
    #expect(try prepared(.byte, 10, 2) == stored.map { ($0 / 257 - 10) / 2 })
    let four = try ImagePreprocessor(
      Preprocessing(
        resize: .none, crop: .center(height: 23, width: 29), channelOrder: .bands,
        mean: [0, 1, 2, 3], std: [1, 2, 4, 8], range: .byte)
    ).prepare(Self.bytes("four-8.tif"))
    let plain = try ImagePreprocessor(
      Self.contract(4, bits: 8, .none, .center(height: 23, width: 29))
    ).prepare(Self.bytes("four-8.tif"))
    for (index, number) in plain.enumerated() {
      let band = index / (23 * 29)
      #expect(four[index] == (number - Float(band)) / Float(1 << band))
    }
  }

  @Test("Zero is around an image that is too small, and in a letterbox")
  func padding() throws {
    let file = Self.bytes("two-harsh-16.tif")
    let numbers = try ImagePreprocessor(
      Preprocessing(
        resize: .none, crop: .center(height: 25, width: 31), channelOrder: .bands, mean: [7, 9],
        std: [1, 1], range: .word)
    ).prepare(file)
    #expect(numbers[0] == -7 && numbers[25 * 31] == -9 && numbers[31 + 1] != -7.5)
    #expect(Set(numbers[..<31]) == [-7] && Set(numbers[(25 * 31 - 31)..<(25 * 31)]) == [-7])
    let boxed = try ImagePreprocessor(
      Self.contract(
        2, bits: 16, .letterbox(height: 29, width: 29, filter: .bilinear, fill: .black))
    ).prepare(file)
    #expect(Set(boxed[..<(3 * 29)]) == [0] && Set(boxed[(3 * 29)..<(4 * 29)]).count > 1)
  }

  @Test("Every encoding has the numbers of the planes", arguments: ["six-planes-16", "four-8"])
  func encodings(name: String) throws {
    let bands = name == "four-8" ? 4 : 6
    let contract = try Preprocessing(
      resize: .exact(height: 5, width: 7, filter: .bilinear), crop: .none, channelOrder: .bands,
      mean: (0..<bands).map { 0.01 * Float($0) }, std: (0..<bands).map { 0.2 + 0.1 * Float($0) })
    let file = Self.bytes(name + ".tif")
    let planes = try ImagePreprocessor(contract).prepare(file)
    let pixels = (0..<35).flatMap { pixel in (0..<bands).map { planes[$0 * 35 + pixel] } }
    func encoded(_ encoding: PixelEncoding) throws -> [UInt8] {
      let preprocessor = ImagePreprocessor(contract, encoding: encoding)
      var bytes = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
      var span = bytes.mutableSpan
      try preprocessor.prepare(file.span, into: &span)
      return bytes
    }
    func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
      (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    #expect(try encoded(.fp32) == pixels.flatMap { littleEndian($0.bitPattern) })
    let halves = pixels.map { number in
      let bits = number.bitPattern
      return UInt16((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }
    #expect(try encoded(.bf16) == halves.flatMap { littleEndian($0) })
    let signed = pixels.map { Int8(max(-128, min(127, ($0 / 0.02).rounded(.toNearestOrEven) + 3))) }
    #expect(
      try encoded(.s8(scale: 0.02, zeroPoint: 3)) == signed.map { UInt8(bitPattern: $0) })
  }

  // MARK: Refusals

  private static func reason(
    _ file: [UInt8], bands: Int, bits: Int = 8, _ change: (inout ImagePolicies) -> Void = { _ in }
  ) throws -> String {
    var policies = ImagePolicies.forBands
    change(&policies)
    let contract = try contract(
      bands, bits: bits, .none, .center(height: 8, width: 8), policies: policies)
    do {
      _ = try ImagePreprocessor(contract).prepare(file)
      return "accepted"
    } catch { return error.description }
  }

  @Test("An image of other channels is refused, with what was found and what is expected")
  func channels() throws {
    #expect(
      try Self.reason(Self.bytes("four-8.tif"), bands: 5)
        == "the image has 4 channels, the model takes 5 bands: send a TIFF with 5 samples of 8 or 16 "
        + "bits for each pixel")
    #expect(
      try Self.reason(Self.bytes("four-8.tif"), bands: 1).contains(
        "1 band: send a TIFF with 1 sample of"))
    for (file, found) in [
      ("one-pixel.jpg", 3), ("grey-alpha.png", 2), ("lossy-alpha.webp", 4), ("grey-8.png", 1),
      ("cmyk-adobe.jpg", 4), ("Bands/inverted-8.tif", 2), ("Bands/cmyk-8.tif", 4),
      ("Formats/palette.tif", 1), ("Formats/rgb-24.bmp", 3), ("Formats/palette.gif", 3),
    ] {
      let reason = try Self.reason(Fixtures.bytes(file), bands: 4)
      #expect(
        reason.hasPrefix("the image has \(found) channel")
          && reason.contains(found == 1 ? "that is a colour" : "that are colours"),
        "\(file): \(reason)")
    }
    let colours = ImagePreprocessor(.imageNet)
    for (file, found) in [("four-8.tif", 4), ("thirteen-16.tif", 13)] {
      #expect(throws: ImagingError.channels(found: found, expected: 3, .bands)) {
        try colours.prepare(Self.bytes(file))
      }
    }
    // Red, green and blue are known, and the fourth sample is not.
    _ = try colours.prepare(Self.bytes("rgb-near-infrared-8.tif"))
  }

  @Test("Indices of a palette that is not there are neither bands nor grey")
  func missingPalette() throws {
    for (file, bands, bits) in [("four-8.tif", 4, 8), ("one-16.tif", 1, 16)] {
      var bytes = Self.bytes(file)
      #expect(try Self.reason(bytes, bands: bands, bits: bits) == "accepted")
      // The entry of PhotometricInterpretation: 262, SHORT, one value.
      let entry: [UInt8] = [0x06, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00]
      let place = try #require(
        bytes.indices.dropLast(8).first { Array(bytes[$0..<$0 + 8]) == entry })
      bytes[place + 8] = 3
      let reason = try Self.reason(bytes, bands: bands, bits: bits)
      #expect(reason.hasPrefix("the TIFF image is corrupt: its palette is missing"), "\(file)")
      #expect(throws: ImagingError.corrupt(format: .tiff, reason: "its palette is missing")) {
        try ImagePreprocessor(.imageNet).prepare(bytes)
      }
    }
  }

  @Test("Transparency is a band, left out or refused, as the contract says")
  func transparency() throws {
    let marked = Self.bytes("marked-8.tif")
    let refusal = try Self.reason(marked, bands: 4)
    #expect(refusal.hasPrefix("the image has 4 channels, one of them marked as transparency"))
    #expect(try Self.reason(marked, bands: 3).contains("(alpha.policy band, drop)"))
    #expect(try Self.reason(marked, bands: 4) { $0.alpha = .band } == "accepted")
    #expect(try Self.reason(marked, bands: 3) { $0.alpha = .drop } == "accepted")
    #expect(try Self.reason(marked, bands: 4) { $0.alpha = .drop }.contains("has 3 channels, the"))
    func planes(_ file: String, _ bands: Int, bits: Int, _ alpha: ImagePolicies.Alpha) throws
      -> [Float]
    {
      var policies = ImagePolicies.forBands
      policies.alpha = alpha
      let contract = try Self.contract(
        bands, bits: bits, .none, .center(height: 23, width: 29), policies: policies)
      return try ImagePreprocessor(contract).prepare(Self.bytes(file))
    }
    let all = try planes("rgb-near-infrared-8.tif", 4, bits: 8, .refuse)
    #expect(try planes("marked-8.tif", 4, bits: 8, .band) == all)
    #expect(try planes("marked-8.tif", 3, bits: 8, .drop) == Array(all[..<(3 * 23 * 29)]))
    let masked = try planes("mask-last-16.tif", 4, bits: 16, .band)
    #expect(try planes("mask-last-16.tif", 3, bits: 16, .drop) == Array(masked[..<(3 * 23 * 29)]))
  }

  @Test("Samples that are no numbers of 8 or 16 bits are refused with the reason")
  func samples() throws {
    for (file, bands, reason) in [
      ("float.tif", 2, "its samples are not unsigned whole numbers"),
      ("signed.tif", 2, "its samples are not unsigned whole numbers"),
      ("beyond-limit.tif", 32, "more than 32 samples a pixel"),
    ] {
      let found = try Self.reason(Self.bytes(file), bands: bands)
      #expect(found.contains(reason), "\(file): \(found)")
    }
    let eight = try Self.reason(Self.bytes("four-8.tif"), bands: 4, bits: 16)
    #expect(eight.hasPrefix("the model does not accept 8-bit images; it takes 16 bits a sample"))
    let sixteen = try Self.reason(Self.bytes("one-16.tif"), bands: 1) { $0.sixteenBit = .refuse }
    #expect(sixteen.hasPrefix("the model does not accept 16-bit images; it takes 8 bits a sample"))
  }

  // MARK: Hostile files and limits

  @Test("An image cut anywhere is an error, or lacks nothing", arguments: images)
  func truncation(image: Image) throws {
    let preprocessor = ImagePreprocessor(
      try Self.contract(
        image.bands, bits: image.bits, .none,
        .center(height: image.height, width: image.width)))
    let whole = Self.bytes(image.file)
    let complete = try preprocessor.prepare(whole)
    for count in stride(from: 0, to: whole.count, by: max(1, whole.count / 97)) {
      if let numbers = try? preprocessor.prepare(Array(whole[..<count])) {
        #expect(numbers == complete, "\(count) of \(whole.count) bytes")
      }
    }
  }

  @Test("Flipped bytes end in numbers of the samples' range or an error", arguments: images)
  func flippedBytes(image: Image) throws {
    let preprocessor = ImagePreprocessor(
      try Self.contract(
        image.bands, bits: image.bits, .shorterSide(size: 12, filter: .bicubic),
        .center(height: 10, width: 14)),
      limits: DecodingLimits(pixelCountLimit: 1 << 20, decodedByteCountLimit: 64 << 20))
    var random = SplitMix64(state: UInt64(image.bands * image.bits))
    for _ in 0..<100 {
      var bytes = Self.bytes(image.file)
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        // The head and the directory more often than samples.
        let place =
          Int.random(in: 0..<2, using: &random) == 0
          ? Int.random(in: 0..<min(300, bytes.count), using: &random)
          : Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if let numbers = try? preprocessor.prepare(bytes) {
        #expect(numbers.allSatisfy { (0...65535).contains($0) })
      }
    }
  }

  @Test("What is held at once grows with the bands, and is announced before it is taken")
  func announcedBytes() throws {
    func announced(_ file: String, _ bands: Int, bits: Int) throws -> Int {
      let preprocessor = ImagePreprocessor(
        try Self.contract(bands, bits: bits, .exact(height: 9, width: 12, filter: .bilinear)))
      var bytes = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
      var span = bytes.mutableSpan
      var count = 0
      try preprocessor.prepare(Self.bytes(file).span, into: &span) {
        byteCount throws(ImagingError) in
        count = byteCount
      }
      return count
    }
    // Rows between the passes of 12 pixels, and one as read, of two bytes for each band.
    let one = try announced("one-16.tif", 1, bits: 16)
    let thirteen = try announced("thirteen-16.tif", 13, bits: 16)
    #expect(thirteen - one >= 12 * (23 * 12 * 2 + 29 * 2))
    // The whole image is held to be turned.
    let turned = try announced("turned-16.tif", 3, bits: 16)
    #expect(turned >= one + 23 * 29 * 3 * 2)
    let limits = DecodingLimits(pixelCountLimit: 1 << 20, decodedByteCountLimit: thirteen - 1)
    let contract = try Self.contract(13, bits: 16, .exact(height: 9, width: 12, filter: .bilinear))
    #expect(throws: ImagingError.decodedByteCount(actual: thirteen, limit: thirteen - 1)) {
      try ImagePreprocessor(contract, limits: limits).prepare(Self.bytes("thirteen-16.tif"))
    }
  }

  @Test("A model that brings no image is tried on some that its contract accepts")
  func trialImages() throws {
    for bands in [1, 2, 3, 4, 13, 32] {
      for range in [Preprocessing.PixelRange.unit, .byte, .word] {
        let std = range == .unit ? Float(0.1) : range == .byte ? 40 : 900
        let contract = try Preprocessing(
          resize: .shorterSide(size: 20, filter: .bilinear), crop: .center(height: 16, width: 16),
          channelOrder: .bands, mean: [Float](repeating: 3 * std, count: bands),
          std: [Float](repeating: std, count: bands), range: range)
        let images = TrialImages.withBands(for: contract)
        let numbers = try images.map { try ImagePreprocessor(contract).prepare($0) }
        #expect(numbers.count == 2 && numbers[0] != numbers[1])
        #expect(numbers.allSatisfy { $0.allSatisfy { abs($0) <= 2.1 } && Set($0).count > 50 })
      }
    }
  }
}
