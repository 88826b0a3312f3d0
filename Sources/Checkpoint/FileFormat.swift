/// The forms of model files that this program reads, told apart by their bytes, never by their names.
package enum FileFormat: String, Sendable, Hashable, Encodable, CustomStringConvertible {
  case safetensors
  /// What `torch.save` writes since PyTorch 1.6: a zip archive with a pickle and one entry per storage.
  case pytorchArchive = "pytorch_zip"
  /// What it wrote before: pickles, and the storages behind them.
  case pytorchStream = "pytorch_stream"

  package var description: String {
    switch self {
    case .safetensors: "safetensors"
    case .pytorchArchive: "PyTorch zip"
    case .pytorchStream: "PyTorch stream"
    }
  }

  /// What the first bytes look like; what looks like nothing known is taken for safetensors, whose reader says what
  /// is wrong.
  init(sniffing bytes: ModelBytes) {
    let start = (0..<min(bytes.count, Self.sniffedByteCount)).map { bytes.byte(at: $0) }
    // An archive begins with an entry, or with its directory where it has none (APPNOTE 4.3.7, 4.3.16).
    if start.starts(with: [0x50, 0x4b, 3, 4]) || start.starts(with: [0x50, 0x4b, 5, 6]) {
      self = .pytorchArchive
    } else if start.count == Self.sniffedByteCount, start.last == UInt8(ascii: "{") {
      // Before pickles: a header's length may begin with the byte that begins them.
      self = .safetensors
    } else if start.first == PickleOpcode.proto.rawValue {
      self = .pytorchStream
    } else {
      self = .safetensors
    }
  }

  /// The length of a safetensors header and the header's first byte.
  private static let sniffedByteCount = SafetensorsFile.lengthByteCount + 1
}
