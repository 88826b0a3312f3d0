/// The forms of model files that this program reads, told apart by their bytes, never by their names.
package enum FileFormat: String, Sendable, Hashable, Encodable, CustomStringConvertible {
  case safetensors
  /// What `torch.save` writes since PyTorch 1.6: a zip archive with a pickle and one entry per storage.
  case pytorchArchive = "pytorch_zip"
  /// What it wrote before: pickles, and the storages behind them.
  case pytorchStream = "pytorch_stream"
  /// A graph with its weights.
  case onnx

  package var description: String {
    switch self {
    case .safetensors: "safetensors"
    case .pytorchArchive: "PyTorch zip"
    case .pytorchStream: "PyTorch stream"
    case .onnx: "ONNX"
    }
  }

  /// What the first bytes look like. Throws for what cannot be any of them, and says what it looks like.
  init(sniffing bytes: ModelBytes) throws(CheckpointError) {
    let start = (0..<min(bytes.count, Self.sniffedByteCount)).map { bytes.byte(at: $0) }
    let mayBeHeader = start.count == Self.sniffedByteCount && Self.isHeaderLength(start)
    if mayBeHeader, start.last == UInt8(ascii: "{") {
      self = .safetensors
      return
    }
    if let other = ForeignFile(sniffing: bytes) { throw .notModel(found: other.description) }
    // An archive begins with an entry, or with its directory where it has none (APPNOTE 4.3.7, 4.3.16).
    if start.starts(with: [0x50, 0x4b, 3, 4]) || start.starts(with: [0x50, 0x4b, 5, 6]) {
      self = .pytorchArchive
    } else if Self.isONNX(start) {
      self = .onnx
    } else if start.count == Self.sniffedByteCount, start.last == UInt8(ascii: "{") {
      // Before pickles: a header's length may begin with the byte that begins them.
      self = .safetensors
    } else if start.first == PickleOpcode.proto.rawValue {
      self = .pytorchStream
    } else if mayBeHeader {
      // Its reader says where the header is wrong.
      self = .safetensors
    } else {
      throw .notModel(found: ForeignFile.firstBytes(of: bytes))
    }
  }

  /// Whether the length of a safetensors header may be what the file begins with: any that is allowed.
  private static func isHeaderLength(_ start: [UInt8]) -> Bool {
    let length = start.prefix(SafetensorsFile.lengthByteCount).reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    return 1...UInt64(SafetensorsLimits.headerByteCount) ~= length
  }

  /// A `ModelProto` begins with its field 1, a small number: the version of its form. So may a safetensors header's
  /// length, of which the upper half is zero.
  private static func isONNX(_ start: [UInt8]) -> Bool {
    guard start.count >= 2, start[0] == 0x08, 1...0x7f ~= start[1] else { return false }
    return start.count < sniffedByteCount || start[4..<8].contains { $0 != 0 }
  }

  /// The length of a safetensors header and the header's first byte.
  private static let sniffedByteCount = SafetensorsFile.lengthByteCount + 1
}
