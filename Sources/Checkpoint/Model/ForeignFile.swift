/// Files that people mistake for a model file, recognised by their first bytes.
enum ForeignFile: Hashable, CustomStringConvertible {
  case jpeg, png, webp, gif, pdf, gzip, hdf5, tfLite, gguf, program
  /// File that Git leaves in place of a large file that was not fetched.
  case pointerToLargeFile
  case text(start: String)

  private static let magics: [(offset: Int, bytes: [UInt8], kind: ForeignFile)] = [
    (0, [0xff, 0xd8, 0xff], .jpeg),
    (0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], .png),
    (8, Array("WEBP".utf8), .webp), (0, Array("GIF8".utf8), .gif), (0, Array("%PDF".utf8), .pdf),
    (0, [0x1f, 0x8b, 8], .gzip), (0, [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], .hdf5),
    (4, Array("TFL3".utf8), .tfLite), (0, Array("GGUF".utf8), .gguf),
    (0, [0x7f, 0x45, 0x4c, 0x46], .program),
    (0, Array("version https://git-lfs".utf8), .pointerToLargeFile),
  ]
  /// Bytes that are all examined before a file is taken for text.
  private static let textByteCount = 512
  /// Bytes of a string or a file that a message shows.
  private static let shownByteCount = 24

  var description: String {
    switch self {
    case .jpeg: "it is a JPEG image"
    case .png: "it is a PNG image"
    case .webp: "it is a WebP image"
    case .gif: "it is a GIF image"
    case .pdf: "it is a PDF document"
    case .gzip: "it is packed by gzip"
    case .hdf5: "it is an HDF5 file, such as Keras writes"
    case .tfLite: "it is a TensorFlow Lite model"
    case .gguf: "it is a GGUF model"
    case .program: "it is a program"
    case .pointerToLargeFile:
      "it is a pointer of Git LFS, not the file itself (git lfs pull fetches it)"
    case .text(let start): "it is text that begins with \"\(start)\""
    }
  }

  /// Returns nil for possible model files, none of which begin like any of these.
  init?(sniffing bytes: ModelBytes) {
    let start = (0..<min(bytes.count, Self.textByteCount)).map { bytes.byte(at: $0) }
    for magic in Self.magics where start.dropFirst(magic.offset).starts(with: magic.bytes) {
      self = magic.kind
      return
    }
    // The first bytes of a safetensors length, a zip entry, a pickle and a message are not
    // printable.
    guard start.count > 1, start.allSatisfy(Self.isOfText) else { return nil }
    let shown = start.prefix(Self.shownByteCount).map { 0x20...0x7e ~= $0 ? $0 : 0x20 }
    self = .text(
      start: String(decoding: shown, as: UTF8.self) + (start.count > shown.count ? "…" : ""))
  }

  /// Describes bytes that look like nothing known.
  static func firstBytes(of bytes: ModelBytes) -> String {
    let shown = (0..<min(bytes.count, shownByteCount / 3)).map { index in
      let digits = String(bytes.byte(at: index), radix: 16)
      return digits.utf8.count < 2 ? "0" + digits : digits
    }
    let kind = bytes.count > shown.count ? "it begins with" : "all it has are"
    return bytes.count == 0
      ? "it is empty" : "\(kind) the bytes \(shown.joined(separator: " "))"
  }

  /// Returns whether it is printable or blank ASCII, or any byte of UTF-8 beyond ASCII.
  private static func isOfText(_ byte: UInt8) -> Bool {
    0x20...0x7e ~= byte || 0x09...0x0d ~= byte || 0x80...0xf4 ~= byte
  }
}
