/// Image formats that are decoded, told apart by their first bytes.
package enum ImageFormat: String, Sendable, Hashable, CaseIterable {
  case jpeg
  case png
  case webp

  /// Recognises the format by the first bytes alone, never by a name or a media type; nil if they
  /// match none.
  package init?(magicBytesOf encoded: Span<UInt8>) {
    if encoded.starts(with: [0xFF, 0xD8, 0xFF], at: 0) {
      self = .jpeg
    } else if encoded.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], at: 0) {
      self = .png
    } else if encoded.starts(with: Array("RIFF".utf8), at: 0),
      encoded.starts(with: Array("WEBP".utf8), at: 8)
    {
      self = .webp
    } else {
      return nil
    }
  }
}

extension Span<UInt8> {
  fileprivate func starts(with magic: [UInt8], at offset: Int) -> Bool {
    guard count >= offset + magic.count else { return false }
    return magic.indices.allSatisfy { self[offset + $0] == magic[$0] }
  }
}
