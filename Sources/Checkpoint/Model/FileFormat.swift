/// Forms of model files that this program reads, told apart by their bytes, never by their names.
package enum FileFormat: String, Sendable, Hashable, Encodable, CustomStringConvertible {
  case safetensors
  /// Output of `torch.save` since PyTorch 1.6: a zip archive with a pickle and an entry per
  /// storage.
  case pytorchArchive = "pytorch_zip"
  /// Output of `torch.save` before 1.6: pickles followed by the storages.
  case pytorchStream = "pytorch_stream"
  /// A pickle of NumPy arrays.
  case pickle
  /// A graph with its weights.
  case onnx

  package var description: String {
    switch self {
    case .safetensors: "safetensors"
    case .pytorchArchive: "PyTorch zip"
    case .pytorchStream: "PyTorch stream"
    case .pickle: "pickle"
    case .onnx: "ONNX"
    }
  }

  /// Recognises the first bytes; throws with a description of what they look like if they fit no
  /// form.
  init(sniffing bytes: ModelBytes) throws(CheckpointError) {
    let start = (0..<min(bytes.count, Self.sniffedByteCount)).map { bytes.byte(at: $0) }
    let mayBeHeader = start.count == Self.sniffedByteCount && Self.isHeaderLength(start)
    if mayBeHeader, start.last == UInt8(ascii: "{") {
      self = .safetensors
      return
    }
    if let other = ForeignFile(sniffing: bytes) { throw other.error }
    // An archive begins with an entry, or with its directory if empty (APPNOTE 4.3.7, 4.3.16).
    if start.starts(with: [0x50, 0x4b, 3, 4]) || start.starts(with: [0x50, 0x4b, 5, 6]) {
      self = .pytorchArchive
    } else if Self.isONNX(start) {
      self = .onnx
    } else if start.count == Self.sniffedByteCount, start.last == UInt8(ascii: "{") {
      // Before pickles: a header's length may begin with the byte that begins a pickle.
      self = .safetensors
    } else if start.first == PickleOpcode.proto.rawValue {
      self = PyTorchStream.begins(bytes) ? .pytorchStream : .pickle
    } else if mayBeHeader {
      // The reader of safetensors reports the fault in the header.
      self = .safetensors
    } else {
      throw ForeignFile.unknown(bytes).error
    }
  }

  /// Returns whether the file may begin with a header length that is allowed in safetensors.
  private static func isHeaderLength(_ start: [UInt8]) -> Bool {
    let length = start.prefix(SafetensorsFile.lengthByteCount).reversed().reduce(UInt64(0)) {
      $0 << 8 | UInt64($1)
    }
    return 1...UInt64(SafetensorsLimits.headerByteCount) ~= length
  }

  /// Returns whether the bytes look like a `ModelProto`, which begins with its field 1, a small
  /// number that is the version of its form.
  ///
  /// The length of a safetensors header, whose upper half is zero, may begin like that too.
  private static func isONNX(_ start: [UInt8]) -> Bool {
    guard start.count >= 2, start[0] == 0x08, 1...0x7f ~= start[1] else { return false }
    return start.count < sniffedByteCount || start[4..<8].contains { $0 != 0 }
  }

  /// Length of a safetensors header in bytes and the header's first byte.
  private static let sniffedByteCount = SafetensorsFile.lengthByteCount + 1
}
