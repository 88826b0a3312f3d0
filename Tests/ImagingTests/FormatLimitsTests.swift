import Imaging
import Testing

/// What headers of GIF, BMP, TIFF and HEIF may ask for, and what they may not.
struct FormatLimitsTests {
  private static func bytes(_ file: String) -> [UInt8] { Fixtures.bytes("Formats/" + file) }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func put(_ value: [UInt8], at offset: Int, in bytes: [UInt8]) -> [UInt8] {
    Array(bytes[..<offset]) + value + Array(bytes[(offset + value.count)...])
  }

  /// TIFF of one directory without pixels; each value fits its entry.
  private static func tiff(_ entries: [(tag: Int, value: Int)]) -> [UInt8] {
    Array("II*\0".utf8) + little(8, 4) + little(entries.count, 2)
      + entries.sorted { $0.tag < $1.tag }.flatMap {
        little($0.tag, 2) + little(4, 2) + little(1, 4) + little($0.value, 4)
      } + [0, 0, 0, 0]
  }

  private static let described: [(tag: Int, value: Int)] = [
    (256, 64), (257, 64), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 64),
    (279, 4096),
  ]

  private static func tiff(_ changed: [Int: Int], adding added: [(Int, Int)] = []) -> [UInt8] {
    tiff(described.map { (tag: $0.tag, value: changed[$0.tag] ?? $0.value) } + added)
  }

  @Test("Images of too many pixels are refused by their headers")
  func pixels() throws {
    let bmp = Self.put(
      Self.little(100_000, 4) + Self.little(100_000, 4), at: 18, in: Self.bytes("rgb-24.bmp"))
    try Self.expectPixelCount(100_000, 100_000, of: bmp)
    let gif = Self.put(
      Self.little(65_535, 2) + Self.little(65_535, 2), at: 6, in: Self.bytes("palette.gif"))
    try Self.expectPixelCount(65_535, 65_535, of: gif)
    guard CodecVersions.areInstalled(for: .tiff) else { return }
    let sides = [256: 100_000, 257: 100_000, 278: 1]
    try Self.expectPixelCount(100_000, 100_000, of: Self.tiff(sides))
  }

  private static func expectPixelCount(_ width: Int, _ height: Int, of bytes: [UInt8]) throws {
    let limit = DecodingLimits.defaultPixelCountLimit
    #expect(throws: ImagingError.pixelCount(width: width, height: height, limit: limit)) {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    }
  }

  @Test(
    "A small AVIF cut out of a huge one is refused by the stored size",
    .enabled(if: CodecVersions.areInstalled(for: .avif), "libheif is not installed"))
  func storedItemSize() throws {
    var bytes = Self.bytes("444.avif")
    let property = try #require(
      bytes.indices.dropLast(4).first { Array(bytes[$0..<$0 + 4]) == Array("ispe".utf8) })
    // Sides of 20,000 follow the type and a version.
    for place in [property + 8, property + 12] {
      bytes = Self.put([0, 0, 0x4E, 0x20], at: place, in: bytes)
    }
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      guard case ImagingError.pixelCount = error else { return false }
      return true
    }
  }

  @Test(
    "Sides beyond libheif's are not taken for a lack of memory",
    .enabled(if: CodecVersions.areInstalled(for: .avif), "libheif is not installed"))
  func sidesBeyondLibrary() throws {
    var bytes = Self.bytes("444.avif")
    let property = try #require(
      bytes.indices.dropLast(4).first { Array(bytes[$0..<$0 + 4]) == Array("ispe".utf8) })
    bytes = Self.put([0x7F, 0xFF, 0xFF, 0xFF], at: property + 8, in: bytes)
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      guard case ImagingError.unsupportedFeature(.avif, let reason) = error else { return false }
      return reason.contains("save it")
    }
  }

  @Test(
    "An AVIF whose data has another size than its header says is corrupt",
    .enabled(if: CodecVersions.areInstalled(for: .avif), "libheif is not installed"))
  func otherItemSize() throws {
    var bytes = Self.bytes("444.avif")
    let property = try #require(
      bytes.indices.dropLast(4).first { Array(bytes[$0..<$0 + 4]) == Array("ispe".utf8) })
    bytes = Self.put([0, 0, 0, 63], at: property + 8, in: bytes)
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      guard case ImagingError.corrupt(.avif, _) = error else { return false }
      return true
    }
  }

  @Test(
    "A matrix of colours that is not known is refused with what to do",
    .enabled(if: CodecVersions.areInstalled(for: .avif), "libheif is not installed"),
    arguments: [3, 10, 14, 255] as [UInt8])
  func unknownMatrix(number: UInt8) throws {
    var bytes = Self.bytes("limited-bt709-8.avif")
    let property = try #require(
      bytes.indices.dropLast(8).first { Array(bytes[$0..<$0 + 8]) == Array("colrnclx".utf8) })
    // After primaries and transfer, the lower byte.
    bytes[property + 13] = number
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      guard case ImagingError.unsupportedFeature(.avif, let reason) = error else { return false }
      return reason.contains("matrix") && reason.contains("save it")
    }
  }

  @Test(
    "An AVIF cut out of nothing is corrupt",
    .enabled(if: CodecVersions.areInstalled(for: .avif), "libheif is not installed"),
    arguments: [0, 4, 16, 20, 28])
  func apertureOutside(field: Int) throws {
    var bytes = Self.bytes("cut-out.avif")
    let property = try #require(
      bytes.indices.dropLast(4).first { Array(bytes[$0..<$0 + 4]) == Array("clap".utf8) })
    // A width of 0, an offset of 2^30, or a denominator of 0.
    let value: [UInt8] = field == 16 ? [0x40, 0, 0, 0] : [0, 0, 0, 0]
    bytes = Self.put(value, at: property + 4 + field, in: bytes)
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      guard case ImagingError.corrupt(.avif, _) = error else { return false }
      return true
    }
  }

  private static func box(_ type: String, _ content: [UInt8], version: UInt8? = nil) -> [UInt8] {
    let head: [UInt8] = version.map { [$0, 0, 0, 0] } ?? []
    let length = 8 + head.count + content.count
    var bytes: [UInt8] = [0, 0, UInt8(length >> 8), UInt8(length & 255)]
    bytes += Array(type.utf8)
    return bytes + head + content
  }

  /// HEIF of one image of 64 x 64 that is derived from itself.
  private static func circle(_ kind: String, _ data: [UInt8], reference: String) -> [UInt8] {
    let item = box("infe", [0, 1, 0, 0] + Array(kind.utf8) + [0], version: 2)
    let place: [UInt8] = [0x44, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    let size = box("ispe", [0, 0, 0, 64, 0, 0, 0, 64], version: 0)
    let association = box("ipma", [0, 0, 0, 1, 0, 1, 1, 1], version: 0)
    let handler = [0, 0, 0, 0] + Array("pict".utf8) + [UInt8](repeating: 0, count: 13)
    var meta = box("hdlr", handler, version: 0)
    meta += box("pitm", [0, 1], version: 0)
    meta += box("iloc", place + [UInt8(data.count)], version: 1)
    meta += box("iinf", [0, 1] + item, version: 0)
    meta += box("iref", box(reference, [0, 1, 0, 1, 0, 1]), version: 0)
    meta += box("iprp", box("ipco", size) + association)
    meta += box("idat", data)
    return box("ftyp", Array("heic\0\0\0\0mif1heic".utf8)) + box("meta", meta, version: 0)
  }

  @Test(
    "A sequence of images without a still one is called that, and not a file that is cut",
    .enabled(if: CodecVersions.areInstalled(for: .heic), "libheif is not installed"),
    arguments: ["msf1hevc", "avisavif"])
  func sequence(brands: String) {
    let bytes =
      Self.box("ftyp", Array("\(brands.prefix(4))\0\0\0\0\(brands)".utf8))
      + Self.box("moov", Self.box("mvhd", [UInt8](repeating: 0, count: 96), version: 0))
      + Self.box("mdat", [UInt8](repeating: 7, count: 64))
    #expect {
      try ImagePreprocessor(.imageNet).prepare(bytes)
    } throws: { error in
      guard case ImagingError.unsupportedFeature(_, let reason) = error else { return false }
      return reason.contains("sequence of images") && reason.contains("send one frame")
    }
  }

  @Test(
    "Images that are made of one another in a circle are refused",
    .enabled(if: CodecVersions.areInstalled(for: .heic), "libheif is not installed"),
    arguments: [
      ("iden", [], "dimg"), ("grid", [0, 0, 0, 0, 0, 64, 0, 64], "dimg"),
      ("iovl", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 64, 0, 0, 0, 0], "dimg"),
      ("iden", [], "auxl"),
    ] as [(String, [UInt8], String)])
  func circles(kind: String, data: [UInt8], reference: String) {
    #expect {
      try ImagePreprocessor(.imageNet).prepare(Self.circle(kind, data, reference: reference))
    } throws: { error in
      guard case ImagingError.unsupportedFeature(.heic, let reason) = error else { return false }
      return reason.contains("one another")
    }
  }

  @Test(
    "TIFFs of kinds that are not decoded are refused with the reason",
    .enabled(if: CodecVersions.areInstalled(for: .tiff), "libtiff is not installed"),
    arguments: [
      ([259: 6], "old style"), ([259: 34925], "compression"), ([262: 8], "colours"),
      ([258: 32], "bits"), ([262: 32803], "raw file"),
    ])
  func unsupportedTIFF(changed: [Int: Int], word: String) {
    #expect {
      try ImagePreprocessor(.imageNet).prepare(Self.tiff(changed))
    } throws: { error in
      guard case ImagingError.unsupportedFeature(.tiff, let reason) = error else { return false }
      return reason.contains(word) && (reason.contains("save it") || reason.contains("send"))
    }
  }

  /// Returns the TIFF with other kinds of its two samples beyond the colours.
  private static func tiff(_ file: String, kinds: [UInt8]) throws -> [UInt8] {
    let bytes = bytes(file)
    // The entry of ExtraSamples: 338, SHORT, two values.
    let entry: [UInt8] = [0x52, 0x01, 0x03, 0x00, 0x02, 0x00, 0x00, 0x00]
    let place = try #require(
      bytes.indices.dropLast(12).first { Array(bytes[$0..<$0 + 8]) == entry })
    return put([kinds[0], 0, kinds[1], 0], at: place + 8, in: bytes)
  }

  @Test(
    "Alpha of a TIFF that cannot be told from colours is refused with what to do",
    .enabled(if: CodecVersions.areInstalled(for: .tiff), "libtiff is not installed"))
  func unclearAlpha() throws {
    let cases = [
      (try Self.tiff("rgb-alpha-last.tif", kinds: [2, 2]), "several samples of alpha"),
      (try Self.tiff("cmyk-alpha-last.tif", kinds: [0, 1]), "multiplied by alpha"),
      // The tag of ExtraSamples becomes another.
      (
        Self.bytes("cmyk-unspecified.tif").replacing(
          [0x52, 0x01, 3, 0], with: [0x51, 0x01, 3, 0]),
        "does not say"
      ),
    ]
    for (bytes, word) in cases {
      #expect {
        try ImagePreprocessor(.imageNet).prepare(bytes)
      } throws: { error in
        guard case ImagingError.unsupportedFeature(.tiff, let reason) = error else { return false }
        return reason.contains(word) && reason.contains("save it")
      }
    }
  }

  @Test(
    "A camera's raw file is not taken for the preview that it begins with",
    .enabled(if: CodecVersions.areInstalled(for: .tiff), "libtiff is not installed"))
  func preview() {
    #expect {
      try ImagePreprocessor(.imageNet).prepare(Self.tiff([:], adding: [(254, 1)]))
    } throws: { error in
      guard case ImagingError.unsupportedFeature(.tiff, let reason) = error else { return false }
      return reason.contains("preview")
    }
  }

  @Test(
    "Tiles far larger than their image are refused before memory is taken",
    .enabled(if: CodecVersions.areInstalled(for: .tiff), "libtiff is not installed"))
  func tiles() {
    let tiled = Self.tiff(
      Self.described.filter { ![273, 278, 279].contains($0.tag) }
        + [(322, 24_000), (323, 24_000), (324, 8), (325, 4096)])
    #expect {
      try ImagePreprocessor(.imageNet).prepare(tiled)
    } throws: { error in
      guard case ImagingError.decodedByteCount = error else { return false }
      return true
    }
  }

  @Test("Bitmaps of kinds that are not decoded are refused with the reason")
  func unsupportedBMP() {
    let whole = Self.bytes("rgb-24.bmp")
    let cases: [(offset: Int, value: Int, word: String)] = [
      (30, 4, "JPEG"), (30, 5, "PNG"), (30, 1, "compression is 1"), (28, 7, "7 bits"),
      (14, 20, "20 bytes"),
    ]
    for (offset, value, word) in cases {
      let bytes = Self.put(Self.little(value, 2), at: offset, in: whole)
      #expect {
        try ImagePreprocessor(.imageNet).prepare(bytes)
      } throws: { error in
        guard case ImagingError.unsupportedFeature(.bmp, let reason) = error else { return false }
        return reason.contains(word)
      }
    }
  }

  @Test("A jump beyond the last row of runs ends them")
  func jump() throws {
    let whole = Self.bytes("rle-8.bmp")
    let pixels = 14 + 40 + 4 * 16
    let bytes = Self.put([0, 2, 255, 255, 4, 5, 0, 1], at: pixels, in: whole)
    let prepared = try ImagePreprocessor(.unscaled(height: 6, width: 11)).prepareBytes(bytes)
    #expect(Set(stride(from: 0, to: prepared.count, by: 3).map { prepared[$0] }).count == 1)
  }
}
