/// Image formats that are decoded, told apart by their first bytes.
package enum ImageFormat: String, Sendable, Hashable, CaseIterable {
  case jpeg
  case png
  case webp
  case gif
  case bmp
  case tiff
  case avif
  case heic

  /// Name for people.
  package var name: String {
    switch self {
    case .webp: "WebP"
    case .jpeg, .png, .gif, .bmp, .tiff, .avif, .heic: rawValue.uppercased()
    }
  }

  /// Names of all formats, with "and" or another word before the last.
  package static func list(_ conjunction: String) -> String {
    let names = allCases.map(\.name)
    return names.dropLast().joined(separator: ", ") + " \(conjunction) " + (names.last ?? "")
  }

  /// Recognises the format by the first bytes alone, never by a name or a media type; nil if they
  /// match none.
  package init?(magicBytesOf encoded: Span<UInt8>) {
    if encoded.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if encoded.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if encoded.starts(with: "RIFF"), encoded.starts(with: "WEBP", at: 8) {
      self = .webp
    } else if encoded.starts(with: "GIF87a") || encoded.starts(with: "GIF89a") {
      self = .gif
    } else if encoded.starts(with: "BM"), Self.mayBeBitmapHeader(encoded) {
      self = .bmp
    } else if Self.isTIFF(encoded) {
      self = .tiff
    } else if let format = Self.itemFormat(encoded) {
      self = format
    } else {
      return nil
    }
  }

  /// Whether the number of bytes of the second header is one that bitmaps have: letters would be a
  /// far larger number.
  private static func mayBeBitmapHeader(_ encoded: Span<UInt8>) -> Bool {
    guard encoded.count >= 18 else { return encoded.count > 2 && encoded.count < 18 }
    return (12...124).contains(encoded[14]) && (15...17).allSatisfy { encoded[$0] == 0 }
  }

  /// Whether it is a TIFF, of 32 or 64 bits, and not one of a camera's raw files that say so at
  /// once.
  private static func isTIFF(_ encoded: Span<UInt8>) -> Bool {
    let starts: [[UInt8]] = [
      [0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43],
    ]
    return starts.contains { encoded.starts(with: $0) } && !encoded.starts(with: "CR", at: 8)
  }

  /// Brands of a file of image items, ISO/IEC 23008-12, in an `ftyp` box: first the one that it is
  /// made for, then those that it is compatible with.
  private static func itemFormat(_ encoded: Span<UInt8>) -> ImageFormat? {
    let brands = encoded.brands
    for brand in brands {
      switch brand {
      case "avif", "avis": return .avif
      case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs": return .heic
      default: continue
      }
    }
    return brands.contains("mif1") || brands.contains("msf1") ? .heic : nil
  }
}

extension Span<UInt8> {
  /// Limit of brands that are looked at.
  private static var brandLimit: Int { 64 }

  func starts(with magic: [UInt8], at offset: Int = 0) -> Bool {
    guard count >= offset + magic.count else { return false }
    return magic.indices.allSatisfy { self[offset + $0] == magic[$0] }
  }

  func starts(with magic: String, at offset: Int = 0) -> Bool {
    starts(with: Array(magic.utf8), at: offset)
  }

  /// The brands of a file that begins with an `ftyp` box; none if it does not.
  var brands: [String] {
    guard count >= 12, starts(with: "ftyp", at: 4) else { return [] }
    let length = (0..<4).reduce(0) { $0 << 8 | Int(self[$1]) }
    let end = Swift.min(count, length, 16 + 4 * Self.brandLimit)
    // The second number is a version.
    let places = [8] + stride(from: 16, through: end - 4, by: 4)
    return places.map { place in
      String(decoding: (0..<4).map { self[place + $0] }, as: UTF8.self)
    }
  }
}
