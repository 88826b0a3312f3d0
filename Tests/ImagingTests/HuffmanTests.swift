import CImageCodec
import Testing

/// JPEGs decoded by libjpeg-turbo's decoder of Huffman codes and by CImageCodec's own.
struct HuffmanTests {
  /// All kinds of scans, samplings and tables that the own decoder reads to the end.
  private static let files = [
    "baseline-420.jpg", "baseline-422.jpg", "cmyk-adobe.jpg", "extraneous.jpg", "grey.jpg",
    "one-pixel.jpg", "photo-420.jpg", "photo-444.jpg", "photo-progressive.jpg", "progressive.jpg",
    "restart.jpg", "thin.jpg", "wide.jpg", "ycck.jpg", "Huffman/finest.jpg",
    "Huffman/high-chroma.jpg", "Huffman/pairs.jpg", "Huffman/progressive-bands.jpg",
    "Huffman/progressive-restarts.jpg", "Huffman/scans.jpg", "Huffman/wide-chroma.jpg",
  ]

  /// Those that the kinds of damage below do different things to.
  private static let damagedFiles = [
    "restart.jpg", "progressive.jpg", "Huffman/finest.jpg", "Huffman/pairs.jpg",
    "Huffman/progressive-bands.jpg", "Huffman/progressive-restarts.jpg",
  ]

  @Test(
    "Both decoders give the same rows at every scale", arguments: files, [1, 2, 4, 8] as [UInt32])
  func sameRows(file: String, scale: UInt32) throws {
    let bytes = Fixtures.bytes(file)
    let own = Decoding(bytes, scale: scale, by: IMAGE_CODEC_HUFFMAN_OWN)
    #expect(own.status == IMAGE_CODEC_STATUS_OK)
    #expect(own.isOwn, "the library's decoder was needed")
    #expect(own == Decoding(bytes, scale: scale, by: IMAGE_CODEC_HUFFMAN_LIBRARY))
  }

  @Test("Both decoders say the same of a file cut anywhere", arguments: damagedFiles)
  func truncation(file: String) throws {
    let whole = Fixtures.bytes(file)
    for count in stride(from: whole.count - 1, to: 0, by: -max(1, whole.count / 61)) {
      try expectAgreement(Array(whole[..<count]), "\(count) of \(whole.count) bytes")
    }
  }

  @Test("Both decoders say the same of flipped bits", arguments: damagedFiles)
  func flippedBits(file: String) throws {
    let whole = Fixtures.bytes(file)
    var random = SplitMix64(state: UInt64(whole.count))
    for _ in 0..<60 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      try expectAgreement(bytes, "\(bytes.count) bytes")
    }
  }

  @Test(
    "Both decoders say the same of bytes that do not belong in a scan", arguments: damagedFiles,
    [
      [0xFF, 0xD0], [0xFF, 0xD3], [0xFF, 0xD9], [0xFF, 0xFF, 0x00], [0xFF, 0xFF, 0xD9], [0x00],
      [0xFF, 0xDA], [0xFF, 0x01],
    ] as [[UInt8]])
  func strayBytes(file: String, stray: [UInt8]) throws {
    let whole = Fixtures.bytes(file)
    for place in stride(from: whole.count - 2, to: whole.count / 3, by: -(whole.count / 11)) {
      var bytes = whole
      bytes.insert(contentsOf: stray, at: place)
      try expectAgreement(bytes, "at \(place)")
    }
  }

  @Test("A few bytes too many before the end of a scan are no reason to hand over")
  func tail() {
    var bytes = Fixtures.bytes("Huffman/finest.jpg")
    bytes.insert(contentsOf: [1, 2, 3], at: bytes.count - 2)
    let own = Decoding(bytes, scale: 1, by: IMAGE_CODEC_HUFFMAN_OWN)
    #expect(own.status == IMAGE_CODEC_STATUS_OK)
    #expect(own.isOwn)
    #expect(own == Decoding(bytes, scale: 1, by: IMAGE_CODEC_HUFFMAN_LIBRARY))
  }

  @Test("What is damaged is left to the library's decoder")
  func handOver() {
    let whole = Fixtures.bytes("Huffman/finest.jpg")
    let own = Decoding(
      Array(whole[..<(whole.count / 2)]), scale: 1, by: IMAGE_CODEC_HUFFMAN_OWN)
    #expect(own.status == IMAGE_CODEC_STATUS_TRUNCATED)
    #expect(!own.isOwn)
    #expect(own.rows.count > 10)
  }

  @Test("Large JPEGs are decoded by the own decoder, small ones by the library's")
  func threshold() {
    for file in ["baseline-420.jpg", "photo-420.jpg", "photo-progressive.jpg"] {
      let bytes = Fixtures.bytes(file)
      let found = Decoding(bytes, scale: 1, by: IMAGE_CODEC_HUFFMAN_AUTOMATIC)
      #expect(found.isOwn == (bytes.count >= Int(IMAGE_CODEC_OWN_HUFFMAN_BYTE_COUNT)), "\(file)")
    }
  }

  private func expectAgreement(
    _ bytes: [UInt8], _ comment: Comment, location: SourceLocation = #_sourceLocation
  ) throws {
    let scale: UInt32 = [1, 2, 4, 8][bytes.count % 4]
    let own = Decoding(bytes, scale: scale, by: IMAGE_CODEC_HUFFMAN_OWN)
    let library = Decoding(bytes, scale: scale, by: IMAGE_CODEC_HUFFMAN_LIBRARY)
    #expect(own == library, comment, sourceLocation: location)
  }
}

/// Everything that a reader gives of an image.
private struct Decoding: Equatable, CustomStringConvertible {
  /// Pixels of an image that is decoded; damaged headers may tell of many more.
  private static let pixelCountLimit = 1 << 20

  private(set) var status = IMAGE_CODEC_STATUS_OK
  private(set) var message = ""
  private(set) var rows: [[UInt8]] = []
  /// Whether the own decoder did it all.
  private(set) var isOwn = false

  var description: String { "\(rows.count) rows, status \(status.rawValue) \(message)" }

  static func == (one: Self, other: Self) -> Bool {
    one.status == other.status && one.message == other.message && one.rows == other.rows
  }

  init(_ bytes: [UInt8], scale: UInt32, by choice: image_codec_huffman) {
    let capacity = Int(IMAGE_CODEC_MESSAGE_BYTE_COUNT)
    var message = [CChar](repeating: 0, count: capacity)
    unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe message.withUnsafeMutableBufferPointer { message in
        unsafe decode(bytes, scale, choice, message.baseAddress!, capacity)
      }
    }
    if status != IMAGE_CODEC_STATUS_OK {
      self.message = String(
        decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
  }

  private mutating func decode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ scale: UInt32, _ choice: image_codec_huffman,
    _ message: UnsafeMutablePointer<CChar>, _ capacity: Int
  ) {
    var header = image_codec_header()
    var opened: OpaquePointer?
    status = unsafe image_codec_reader_open(
      IMAGE_CODEC_FORMAT_JPEG, bytes.baseAddress!, bytes.count, &opened, &header, message, capacity)
    guard status == IMAGE_CODEC_STATUS_OK, let reader = unsafe opened else { return }
    defer { unsafe image_codec_reader_close(reader) }
    guard Int(header.width) * Int(header.height) <= Self.pixelCountLimit else { return }
    unsafe image_codec_reader_choose_huffman(reader, choice)
    let width = (header.width + scale - 1) / scale
    var columns = image_codec_columns(first: 0, count: width)
    status = unsafe image_codec_reader_start(
      reader, scale, &columns, image_codec_backdrop(), message, capacity)
    for _ in 0..<(header.height + scale - 1) / scale where status == IMAGE_CODEC_STATUS_OK {
      var row = [UInt8](repeating: 0, count: 3 * Int(columns.count))
      status = unsafe image_codec_reader_read_row(reader, &row, message, capacity)
      if status == IMAGE_CODEC_STATUS_OK { rows.append(row) }
    }
    isOwn = unsafe image_codec_reader_has_own_huffman(reader)
    guard status == IMAGE_CODEC_STATUS_OK else { return }
    status = unsafe image_codec_reader_finish(reader, message, capacity)
  }
}
