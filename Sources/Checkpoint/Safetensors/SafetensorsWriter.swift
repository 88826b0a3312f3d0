import Files
import JSON
import ResNet

/// A safetensors file to be written: header padded to eight bytes, wide types first so that they
/// are aligned, sorted by name among those of equal width. Equal contents make equal bytes.
struct SafetensorsWriter {
  struct Item {
    enum Content {
      case numbers(Tensor)
      /// Numbers in a format of 16 bits.
      case narrow(Tensor, WeightFormat)
      case bytes([UInt8])

      /// A parameter of a network in a format that weights are stored in.
      static func weights(_ tensor: Tensor, _ format: WeightFormat) -> Content {
        format == .f32 || !tensor.isStoredNarrowly ? .numbers(tensor) : .narrow(tensor, format)
      }
    }

    let name: String
    let shape: [Int]
    let content: Content

    fileprivate var type: ElementType {
      switch content {
      case .numbers: .float32
      case .narrow(_, let format): format.type
      case .bytes: .uint8
      }
    }

    fileprivate var byteCount: Int { shape.reduce(type.byteCount, *) }
  }

  private let items: [Item]
  /// The header, preceded by its length.
  private let header: [UInt8]

  init(_ items: [Item], metadata: [String: String]) throws(CheckpointError) {
    self.items = items.sorted {
      ($1.type.byteCount, $0.name) < ($0.type.byteCount, $1.name)
    }
    guard items.count <= SafetensorsLimits.tensorCount else {
      throw .overLimit(what: "tensors", value: items.count, limit: SafetensorsLimits.tensorCount)
    }
    var members: [String: HeaderMember] = [SafetensorsHeader.metadataKey: .metadata(metadata)]
    var offset = 0
    for item in self.items {
      let end = offset + item.byteCount
      members[item.name] = .tensor(
        .init(dtype: item.type.rawValue, shape: item.shape, dataOffsets: [offset, end]))
      offset = end
    }
    var text = JSONValue(encoding: members).bytes
    while !text.count.isMultiple(of: 8) { text.append(UInt8(ascii: " ")) }
    guard text.count <= SafetensorsLimits.headerByteCount else {
      throw .overLimit(
        what: "bytes of the header", value: text.count, limit: SafetensorsLimits.headerByteCount)
    }
    let count = UInt64(text.count)
    header = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + text
  }

  /// Writes a file that appears at `path` complete or not at all.
  func write(to path: String) throws(CheckpointError) {
    try AtomicFile.write(to: path, orThrow: CheckpointError.init) { file throws(CheckpointError) in
      var sink = FileSink(descriptor: file.descriptor, path: path)
      try write(to: &sink)
    }
  }

  func write(to sink: inout some ByteSink & ~Copyable) throws(CheckpointError) {
    try sink.write(unsafe header.span.bytes)
    for item in items {
      switch item.content {
      case .bytes(let bytes): try sink.write(unsafe bytes.span.bytes)
      case .narrow(let tensor, let format):
        let bits = tensor.withValues { format.bits($0) }
        try sink.write(unsafe bits.span.bytes)
      case .numbers(let tensor):
        try tensor.withValues { values throws(CheckpointError) in
          try sink.write(unsafe values.bytes)
        }
      }
    }
  }
}

/// A value of the header's object.
private enum HeaderMember: Encodable {
  struct Declaration: Encodable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    private enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  case metadata([String: String])
  case tensor(Declaration)

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .metadata(let metadata): try metadata.encode(to: encoder)
    case .tensor(let declaration): try declaration.encode(to: encoder)
    }
  }
}

/// Takes a file's bytes in order.
protocol ByteSink: ~Copyable {
  mutating func write(_ bytes: RawSpan) throws(CheckpointError)
}

/// Writes to an open file.
private struct FileSink: ByteSink {
  let descriptor: CInt
  let path: String

  func write(_ bytes: RawSpan) throws(CheckpointError) {
    guard FileOutput.write(bytes, to: descriptor) else {
      throw CheckpointError(FileError("write", path))
    }
  }
}

/// Computes the version of a file without writing it.
struct DigestSink: ByteSink, ~Copyable {
  private var digest: SHA256

  init() throws(CheckpointError) { digest = try .begin() }

  mutating func write(_ bytes: RawSpan) { digest.update(bytes) }

  consuming func finish() -> ModelVersion { ModelVersion(digest: digest.finish()) }
}
