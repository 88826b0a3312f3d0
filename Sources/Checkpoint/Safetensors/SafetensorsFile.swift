/// A safetensors file whose header has passed every check.
///
/// Layout: `UInt64` little-endian byte count of the header, the header (a JSON object of tensor
/// name to dtype, shape and data_offsets, and `__metadata__`), then the tensors' bytes without
/// gaps. Format: https://github.com/huggingface/safetensors#format
struct SafetensorsFile: Sendable {
  static let lengthByteCount = 8

  let bytes: ModelBytes
  /// Tensors by position in the file.
  let entries: [TensorEntry]
  let metadata: [String: String]

  init(
    _ bytes: ModelBytes, memory: LoadingMemory = LoadingMemory()
  ) throws(CheckpointError) {
    let dataStart = try Self.dataStart(in: bytes)
    try memory.borrow(dataStart * SafetensorsLimits.parsedByteShare)
    let header = try bytes.withBytes(in: Self.lengthByteCount..<dataStart) {
      text throws(CheckpointError) in
      try SafetensorsHeader(text)
    }
    self.bytes = bytes
    metadata = header.metadata
    entries = try Self.placed(header.tensors, dataStart: dataStart, fileByteCount: bytes.count)
  }

  /// Returns the offset at which the header ends and the tensors begin.
  private static func dataStart(in bytes: ModelBytes) throws(CheckpointError) -> Int {
    guard bytes.count >= lengthByteCount else {
      throw .malformed(
        format: .safetensors, offset: 0, reason: "the file has only \(bytes.count) bytes")
    }
    let length = bytes.withBytes(in: 0..<lengthByteCount) { span in
      unsafe span.withUnsafeBytes { UInt64(littleEndian: unsafe $0.loadUnaligned(as: UInt64.self)) }
    }
    guard length <= SafetensorsLimits.headerByteCount else {
      throw .overLimit(
        what: "bytes of the header", value: Int(clamping: length),
        limit: SafetensorsLimits.headerByteCount)
    }
    let room = bytes.count - lengthByteCount
    guard length <= room else {
      throw .malformed(
        format: .safetensors, offset: 0,
        reason: "the header claims \(length) bytes, the file has \(room) after its length: "
          + CheckpointError.cutShort)
    }
    return lengthByteCount + Int(length)
  }

  /// Sorts the tensors by position and rejects overlaps, gaps and bytes that belong to no tensor.
  private static func placed(
    _ tensors: [TensorEntry], dataStart: Int, fileByteCount: Int
  ) throws(CheckpointError) -> [TensorEntry] {
    let sorted = tensors.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    let dataByteCount = fileByteCount - dataStart
    var end = 0
    var placed: [TensorEntry] = []
    for var entry in sorted {
      let start = entry.range.lowerBound
      guard entry.range.upperBound <= dataByteCount else {
        throw .tensor(
          name: entry.name, offset: dataStart + min(start, dataByteCount),
          reason: "ends at byte \(entry.range.upperBound) of \(dataByteCount) bytes of data: "
            + CheckpointError.cutShort)
      }
      guard start == end else {
        throw .tensor(
          name: entry.name, offset: dataStart + start,
          reason: start < end
            ? "overlaps the tensor before it" : "\(start - end) unused bytes before it")
      }
      end = entry.range.upperBound
      entry.range = (dataStart + start)..<(dataStart + end)
      placed.append(entry)
    }
    guard end == dataByteCount else {
      throw .malformed(
        format: .safetensors, offset: dataStart + end,
        reason: "\(dataByteCount - end) bytes belong to no tensor; fetch or save it again")
    }
    return placed
  }
}
