import Imaging

/// Fuzzes any bytes as an image of nearly as many pixels as the limit allows, whatever its header
/// says.
///
/// Time and memory are the oracle: `Fuzz/run` bounds both, so that an image whose cost does not
/// follow from its pixels ends the run. Limits and bounds are a tenth of the server's.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzCodecRoom(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  decode(bytes)
  if let grown = Grown(bytes) { decode(grown.bytes) }
  return 0
}

private let limits = DecodingLimits(pixelCountLimit: 4_000_000, decodedByteCountLimit: 32 << 20)

/// Contract that makes a decoder hold the most: every row is needed, and none may be decoded
/// smaller.
private let preprocessor = {
  let contract = try? Preprocessing(
    resize: .exact(height: 32, width: 32, filter: .bicubic), crop: .none,
    mean: [0, 0, 0], std: [1, 1, 1])
  guard let contract else { preconditionFailure("the contract must be valid") }
  return ImagePreprocessor(contract, limits: limits)
}()

private func decode(_ bytes: [UInt8]) {
  var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
  var span = pixels.mutableSpan
  // Errors are the expected end of most inputs; a crash, a hang or too much memory is not.
  try? preprocessor.prepare(bytes.span, into: &span)
}

/// Gives an image's header other sides: just under the limit, square, or a row or column as long as
/// possible.
private struct Grown {
  var bytes: [UInt8]

  init?(_ original: [UInt8]) {
    bytes = original
    let shape = original.reduce(UInt8(0)) { $0 &* 31 &+ $1 } % 3
    let longest = original.first == 0xff ? 65_500 : 16_383
    let (width, height) =
      switch shape {
      case 0: (2_000, 1_999)
      case 1: (longest, limits.pixelCountLimit / longest)
      default: (limits.pixelCountLimit / longest, longest)
      }
    let isKnown =
      growJPEG(width, height) || growPNG(width, height) || growWebP(width, height)
      || growGIF(width, height) || growBMP(width, height) || growTIFF(width, height)
    guard isKnown else { return nil }
  }

  private mutating func put(_ value: Int, at offset: Int, count: Int, bigEndian: Bool) {
    for index in 0..<count {
      let shift = 8 * (bigEndian ? count - 1 - index : index)
      bytes[offset + index] = UInt8(truncatingIfNeeded: value >> shift)
    }
  }

  /// Patches the first start of a frame that its markers lead to.
  private mutating func growJPEG(_ width: Int, _ height: Int) -> Bool {
    guard bytes.starts(with: [0xff, 0xd8]) else { return false }
    var offset = 2
    while offset + 9 < bytes.count, bytes[offset] == 0xff {
      let marker = bytes[offset + 1]
      if (0xc0...0xc2).contains(marker) {
        put(height, at: offset + 5, count: 2, bigEndian: true)
        put(width, at: offset + 7, count: 2, bigEndian: true)
        return true
      }
      offset += 2 + Int(bytes[offset + 2]) << 8 + Int(bytes[offset + 3])
    }
    return false
  }

  /// The header comes first; its checksum follows it.
  private mutating func growPNG(_ width: Int, _ height: Int) -> Bool {
    guard bytes.count > 33, bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) else { return false }
    put(width, at: 16, count: 4, bigEndian: true)
    put(height, at: 20, count: 4, bigEndian: true)
    var checksum = UInt32.max
    for byte in bytes[12..<29] {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 0 ? 0 : 0xedb8_8320) }
    }
    put(Int(~checksum), at: 29, count: 4, bigEndian: true)
    return true
  }

  /// The canvas, and the first frame if nothing but a palette stands before it.
  private mutating func growGIF(_ width: Int, _ height: Int) -> Bool {
    guard bytes.count > 13, bytes.starts(with: Array("GIF8".utf8)) else { return false }
    put(width, at: 6, count: 2, bigEndian: false)
    put(height, at: 8, count: 2, bigEndian: false)
    let frame = 13 + (bytes[10] & 0x80 == 0 ? 0 : 3 << (Int(bytes[10] & 7) + 1))
    if bytes.count > frame + 10, bytes[frame] == 0x2c {
      put(width, at: frame + 5, count: 2, bigEndian: false)
      put(height, at: frame + 7, count: 2, bigEndian: false)
    }
    return true
  }

  /// A header of 40 bytes and more.
  private mutating func growBMP(_ width: Int, _ height: Int) -> Bool {
    guard bytes.count > 54, bytes.starts(with: Array("BM".utf8)), bytes[14] >= 40 else {
      return false
    }
    put(width, at: 18, count: 4, bigEndian: false)
    put(height, at: 22, count: 4, bigEndian: false)
    return true
  }

  /// The first directory of a file in Intel's order, whose sides are numbers inside their entries.
  private mutating func growTIFF(_ width: Int, _ height: Int) -> Bool {
    guard bytes.count > 16, bytes.starts(with: [0x49, 0x49, 42, 0]) else { return false }
    func number(_ offset: Int, _ count: Int) -> Int {
      (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
    }
    let directory = number(4, 4)
    guard directory + 2 <= bytes.count else { return false }
    for index in 0..<number(directory, 2) {
      let entry = directory + 2 + 12 * index
      guard entry + 12 <= bytes.count else { break }
      let tag = number(entry, 2)
      guard tag == 256 || tag == 257 else { continue }
      put(4, at: entry + 2, count: 2, bigEndian: false)
      put(tag == 256 ? width : height, at: entry + 8, count: 4, bigEndian: false)
    }
    return true
  }

  /// A lossless or a lossy image without an extended header.
  private mutating func growWebP(_ width: Int, _ height: Int) -> Bool {
    guard bytes.count > 30, bytes.starts(with: Array("RIFF".utf8)) else { return false }
    switch bytes[12..<16] {
    case let kind where kind.elementsEqual("VP8L".utf8):
      let upper = Int(bytes[24] & 0xf0)
      put((width - 1) | (height - 1) << 14 | upper << 24, at: 21, count: 4, bigEndian: false)
    case let kind where kind.elementsEqual("VP8 ".utf8):
      put(width, at: 26, count: 2, bigEndian: false)
      put(height, at: 28, count: 2, bigEndian: false)
    default: return false
    }
    return true
  }
}
