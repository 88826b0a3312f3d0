/// Headers of a bitmap of Windows or OS/2.
///
///     "BM"  size of the file  0  offset of the pixels        14 bytes
///     size of this header  width  height  planes  bits       12 bytes and more; with 16-bit sides
///     compression  …  colours used  …                        in the first version
///     masks of red, green, blue, alpha                       inside the header, or after 40 bytes
///     palette: blue, green, red and, but for the first version, a byte of nothing
///     pixels: rows of multiples of four bytes, the lowest row first
///
/// No library of Debian reads it without a toolkit around it, so it is read here, in Swift, where a
/// wrong index ends the process that decodes instead of reading what is beside.
struct BitmapHeader {
  enum Compression {
    case none
    /// Runs of indices of eight or four bits.
    case runs
  }

  let width: Int
  let height: Int
  let isTopDown: Bool
  /// Bits of a pixel: 1, 2, 4, 8, 16, 24 or 32.
  let bitCount: Int
  let compression: Compression
  /// Red, green, blue and alpha in pixels of 16 and 32 bits.
  let masks: [BitmapMask]
  /// Red, green, blue and a byte of nothing of 256 indices; black where the file has none.
  let palette: [UInt8]
  let pixelOffset: Int

  /// Bytes of a row, which is padded to a multiple of four.
  var rowByteCount: Int { (width * bitCount + 31) / 32 * 4 }

  private static let fileHeaderByteCount = 14
  private static let firstVersionByteCount = 12
  /// Size of the header from which on masks are part of it, and alpha has one.
  private static let masksByteCount = 52
  private static let alphaByteCount = 56

  /// Throws `truncated`, `corrupt` or `unsupportedFeature`.
  init(_ bytes: EncodedBytes) throws(ImagingError) {
    let start = Self.fileHeaderByteCount
    guard bytes.count >= start + 4 else { throw .truncated(format: .bmp) }
    let byteCount = bytes.number(at: start, 4)
    guard [12, 16, 40, 52, 56, 64, 108, 124].contains(byteCount) else {
      throw .unsupportedFeature(
        format: .bmp,
        reason: "its header has \(byteCount) bytes, which no known version has; \(Self.remedy)")
    }
    guard bytes.count >= start + byteCount else { throw .truncated(format: .bmp) }
    let isFirst = byteCount == Self.firstVersionByteCount
    let side = isFirst ? 2 : 4
    let storedHeight = bytes.number(at: start + 4 + side, side)
    // Negative for rows from the top, in 32 bits.
    let signedHeight = isFirst ? storedHeight : Int(Int32(truncatingIfNeeded: storedHeight))
    width = bytes.number(at: start + 4, side)
    height = abs(signedHeight)
    isTopDown = signedHeight < 0
    guard width > 0, width <= Int(Int32.max), height > 0 else {
      throw .corrupt(format: .bmp, reason: "it has no pixels")
    }
    bitCount = bytes.number(at: start + 6 + 2 * side, 2)
    let code = byteCount >= 40 ? bytes.number(at: start + 16, 4) : 0
    let hasMasks = [3, 6].contains(code) && byteCount != 64
    compression = try Self.compression(code, bitCount: bitCount, hasMasks: hasMasks)
    guard compression == .none || !isTopDown else {
      throw .corrupt(format: .bmp, reason: "its runs go from the top")
    }
    let maskCount = hasMasks ? (code == 6 || byteCount >= Self.alphaByteCount ? 4 : 3) : 0
    let maskStart = start + 40
    guard bytes.count >= maskStart + 4 * maskCount || maskCount == 0 else {
      throw .truncated(format: .bmp)
    }
    masks = try Self.masks(
      (0..<maskCount).map { UInt32(bytes.number(at: maskStart + 4 * $0, 4)) }, bitCount: bitCount)
    let paletteStart =
      start + byteCount + (byteCount < Self.masksByteCount ? 4 * maskCount : 0)
    let used = byteCount >= 40 ? bytes.number(at: start + 32, 4) : 0
    let paletteCount = bitCount > 8 ? 0 : used == 0 ? 1 << bitCount : min(used, 1 << bitCount)
    let entryByteCount = isFirst ? 3 : 4
    let paletteEnd = paletteStart + paletteCount * entryByteCount
    guard bytes.count >= paletteEnd else { throw .truncated(format: .bmp) }
    palette = Self.palette(bytes, paletteStart, count: paletteCount, entryByteCount)
    // Some files leave the palette out of the offset, or have none.
    let offset = bytes.number(at: 10, 4)
    pixelOffset = offset == 0 || offset == start + byteCount ? paletteEnd : offset
  }

  private static let remedy = "save it without compression and with 24 bits a pixel, or as a PNG"

  private static func compression(
    _ code: Int, bitCount: Int, hasMasks: Bool
  ) throws(ImagingError) -> Compression {
    switch (code, bitCount) {
    case (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (0, 24), (0, 32): return .none
    case (1, 8), (2, 4): return .runs
    case (_, 16) where hasMasks, (_, 32) where hasMasks: return .none
    default: break
    }
    switch code {
    case 0:
      throw .unsupportedFeature(
        format: .bmp,
        reason: "a pixel has \(bitCount) bits, not 1, 2, 4, 8, 16, 24 or 32; \(remedy)")
    case 4, 5:
      throw .unsupportedFeature(
        format: .bmp, reason: "it wraps a \(code == 4 ? "JPEG" : "PNG") image; send that alone")
    default:
      throw .unsupportedFeature(
        format: .bmp,
        reason:
          "its compression is \(code) with \(bitCount) bits a pixel, not none, RLE8, RLE4 or bit "
          + "fields of 16 or 32 bits; \(remedy)")
    }
  }

  private static func masks(
    _ stored: [UInt32], bitCount: Int
  ) throws(ImagingError) -> [BitmapMask] {
    guard bitCount == 16 || bitCount == 32 else { return [] }
    let usual: [UInt32] =
      bitCount == 16 ? [0x7C00, 0x3E0, 0x1F] : [0xFF_0000, 0xFF00, 0xFF]
    var masks: [BitmapMask] = []
    for bits in stored.isEmpty ? usual : stored {
      guard let mask = BitmapMask(bits) else {
        throw .corrupt(format: .bmp, reason: "a mask of its colours has gaps")
      }
      masks.append(mask)
    }
    guard masks.prefix(3).contains(where: { $0.bitCount > 0 }) else {
      throw .corrupt(format: .bmp, reason: "the masks of its colours are empty")
    }
    return masks
  }

  private static func palette(
    _ bytes: EncodedBytes, _ start: Int, count: Int, _ entryByteCount: Int
  ) -> [UInt8] {
    var palette = [UInt8](repeating: 0, count: 4 * 256)
    for index in 0..<count {
      for channel in 0..<3 {
        palette[4 * index + channel] = bytes[start + index * entryByteCount + 2 - channel]
      }
    }
    return palette
  }
}

/// Place of one channel in a pixel.
struct BitmapMask {
  let bitCount: Int
  private let shift: Int
  private let bits: UInt32
  /// The whole range for each value of fewer than eight bits.
  private let values: [UInt8]

  /// Returns nil if the bits are not beside each other.
  init?(_ bits: UInt32) {
    self.bits = bits
    shift = bits == 0 ? 0 : bits.trailingZeroBitCount
    bitCount = bits.nonzeroBitCount
    let largest = bitCount < 8 ? 1 << bitCount - 1 : 0
    values = largest == 0 ? [0] : (0...largest).map { UInt8($0 * 255 / largest) }
    guard bits == 0 || bits.leadingZeroBitCount + shift + bitCount == 32 else { return nil }
  }

  /// Place of the byte that the channel is; nil if it is not a byte of its own.
  var byte: UInt8? { bitCount == 8 && shift.isMultiple(of: 8) ? UInt8(shift / 8) : nil }

  /// Returns the channel in eight bits: the high ones, or the whole range of fewer, as Pillow does.
  func value(_ pixel: UInt32) -> UInt8 {
    let value = (pixel & bits) >> UInt32(shift)
    if bitCount >= 8 { return UInt8(truncatingIfNeeded: value >> UInt32(bitCount - 8)) }
    return values[Int(value)]
  }
}
