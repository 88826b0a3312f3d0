import Compression
import Testing

@Suite struct CompressionTests {
  /// Bytes that can be compressed a little.
  private static func text(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 27 & 0x3f) }
  }

  private func compressed(_ bytes: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
    try #require(Compressor.compress(bytes, format, limit: 2 * bytes.count + 64))
  }

  private func same(_ fault: DecompressionFault) -> DecompressionFault { fault }

  private func plain(_ bytes: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
    var plain: [UInt8] = []
    try Decompression.pieces(of: bytes, format, orThrow: same) {
      (piece) throws(DecompressionFault) in
      plain += piece
      return true
    }
    return plain
  }

  private func fault(_ bytes: [UInt8], _ format: CompressionFormat) -> DecompressionFault? {
    #expect(throws: DecompressionFault.self) { try plain(bytes, format) }
  }

  @Test("What is compressed is what comes out again", arguments: CompressionFormat.allCases)
  func roundTrip(format: CompressionFormat) throws {
    for bytes in [
      [7], Self.text(1000), Self.text(300_000), [UInt8](repeating: 0, count: 1_000_000),
    ] {
      #expect(try plain(compressed(bytes, format), format) == bytes)
    }
    #expect(Compressor.compress([], format, limit: 100) == nil)
    #expect(Compressor.compress(Self.text(1000), format, limit: 100) == nil)
  }

  @Test("A stream that ends early is told at every length", arguments: CompressionFormat.allCases)
  func truncated(format: CompressionFormat) throws {
    let whole = try compressed(Self.text(400), format)
    for count in 0..<whole.count {
      #expect(fault(Array(whole[..<count]), format) == .truncated, "\(count)")
    }
  }

  @Test(
    "A damaged stream of zlib never becomes other bytes",
    arguments: [CompressionFormat.gzip, .zlib])
  func damaged(format: CompressionFormat) throws {
    let bytes = Self.text(200)
    let whole = try compressed(bytes, format)
    for index in whole.indices {
      for bit in 0..<8 {
        var damaged = whole
        damaged[index] ^= 1 << bit
        if let read = try? plain(damaged, format) { #expect(read == bytes, "\(index)") }
      }
    }
  }

  @Test("Streams may follow each other where the format says so, and nothing else may")
  func following() throws {
    let (one, two) = (Self.text(500), Self.text(900))
    for format in [CompressionFormat.gzip, .zstd] {
      let both = try compressed(one, format) + compressed(two, format)
      #expect(try plain(both, format) == one + two)
      #expect(fault(Array(both.dropLast()), format) == .truncated)
    }
    let skippable: [UInt8] = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
    #expect(try plain(skippable + compressed(one, .zstd) + skippable, .zstd) == one)
    #expect(try plain(skippable, .zstd) == [])
    for format in CompressionFormat.allCases {
      let whole = try compressed(one, format)
      for rest in [[0], [0x1f, 0], Array("garbage".utf8)] as [[UInt8]] {
        #expect(fault(whole + rest, format) == .trailing)
      }
    }
    #expect(try fault(compressed(one, .zlib) + compressed(two, .zlib), .zlib) == .trailing)
  }

  @Test("A frame of zstd may have a window of 8 MiB, and no larger one")
  func window() {
    // Header without a size, the window's descriptor, and one last raw block of a byte.
    func frame(_ exponent: UInt8) -> [UInt8] {
      [0x28, 0xb5, 0x2f, 0xfd, 0, exponent << 3, 9, 0, 0, 0x61]
    }
    #expect((try? plain(frame(13), .zstd)) == [0x61])
    #expect(fault(frame(14), .zstd) == .window)
    #expect(fault(frame(31), .zstd) == .window)
  }

  @Test("What is another format is refused with the reason")
  func foreign() throws {
    let gzip = try compressed(Self.text(300), .gzip)
    let zlib = try compressed(Self.text(300), .zlib)
    let header = DecompressionFault.corrupt("incorrect header check")
    #expect(fault(zlib, .gzip) == header && fault(gzip, .zlib) == header)
    #expect(fault(gzip, .zstd) == header)
    // Deflate without the frame of zlib.
    #expect(fault(Array(zlib.dropFirst(2).dropLast(4)), .zlib) != nil)
    // A format of zstd before RFC 8878.
    #expect(fault([0x27, 0xb5, 0x2f, 0xfd, 0, 0x40, 9, 0, 0, 0x61], .zstd) == header)
    #expect(fault([0x78, 0x20, 0, 0, 0, 1], .zlib) == .corrupt("a dictionary is needed"))
    var wrongSum = gzip
    wrongSum[gzip.count - 5] ^= 1
    #expect(fault(wrongSum, .gzip) == .corrupt("incorrect data check"))
    wrongSum = gzip
    wrongSum[gzip.count - 1] ^= 1
    #expect(fault(wrongSum, .gzip) == .corrupt("incorrect length check"))
  }

  @Test("A bomb comes in small pieces, and ends when nobody wants more")
  func bomb() throws {
    struct Enough: Error {}
    func fail(_ fault: DecompressionFault) -> Enough { Enough() }
    for format in CompressionFormat.allCases {
      let bomb = try compressed([UInt8](repeating: 0, count: 16 << 20), format)
      #expect(bomb.count < 100_000)
      var pieceCount = 0
      #expect(throws: Enough.self) {
        try Decompression.pieces(of: bomb, format, orThrow: fail) {
          (piece) throws(Enough) in
          #expect(piece.count <= Decompression.pieceByteCount)
          pieceCount += 1
          if pieceCount == 8 { throw Enough() }
          return true
        }
      }
      #expect(pieceCount == 8)
      try Decompression.pieces(of: bomb, format, orThrow: fail) { (_) throws(Enough) in
        pieceCount += 1
        return pieceCount < 10
      }
      #expect(pieceCount == 10)
    }
  }
}
