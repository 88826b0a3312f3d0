/// Reads opcodes and their arguments in order, inside a part of a file.
struct PickleCursor {
  let bytes: ModelBytes
  let format: FileFormat
  /// Offset of the next byte in the file.
  private(set) var position: Int
  /// Bytes of the strings so far.
  private(set) var stringByteCount = 0
  private let end: Int

  /// Reads a part of a file; `range` must lie inside it.
  init(_ bytes: ModelBytes, in range: Range<Int>, format: FileFormat) {
    self.bytes = bytes
    self.format = format
    position = range.lowerBound
    end = range.upperBound
  }

  /// Words for a pickle that ends too early; in the zip form the directory has said that the entry
  /// is there as a whole.
  private var remedy: String {
    format == .pytorchArchive ? "" : ": \(CheckpointError.cutShort)"
  }

  func fault(_ reason: String, at offset: Int? = nil) -> CheckpointError {
    .malformed(format: format, offset: offset ?? position, reason: reason)
  }

  /// Reads a little-endian number, as all but one kind are.
  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type
  ) throws(CheckpointError) -> Value {
    let range = try take(UInt64(MemoryLayout<Value>.size))
    return bytes.integer(at: range.lowerBound, as: type)
  }

  /// Takes the next `count` bytes, however many these are.
  mutating func take(_ count: UInt64) throws(CheckpointError) -> Range<Int> {
    guard count <= UInt64(end - position) else {
      throw fault("the pickle claims \(count) bytes more, it has \(end - position)\(remedy)")
    }
    let start = position
    position += Int(count)
    return start..<position
  }

  /// Takes the next `count` bytes as those of one string.
  mutating func string(_ count: UInt64) throws(CheckpointError) -> Range<Int> {
    let range = try take(count, limit: PickleLimits.stringByteCount)
    stringByteCount += range.count
    return range
  }

  /// Takes the next `count` bytes as those of one integer.
  mutating func longInteger(_ count: UInt64) throws(CheckpointError) -> Range<Int> {
    try take(count, limit: PickleLimits.integerByteCount)
  }

  private mutating func take(_ count: UInt64, limit: Int) throws(CheckpointError) -> Range<Int> {
    guard count <= UInt64(limit) else {
      throw .overLimit(
        what: "bytes of a string in the pickle", value: Int(clamping: count), limit: limit)
    }
    return try take(count)
  }

  /// Rejects a frame that extends beyond the pickle; frames serve buffers, which this reader does
  /// not need.
  mutating func checkFrame() throws(CheckpointError) {
    let start = position
    let length = try integer(UInt64.self)
    guard length <= UInt64(end - position) else {
      throw fault(
        "a frame claims \(length) bytes, the pickle has \(end - position)\(remedy)", at: start)
    }
  }

  /// Takes a line with its newline, and returns it without.
  mutating func line() throws(CheckpointError) -> String {
    let start = position
    while position < end, position - start <= PickleLimits.nameByteCount {
      let byte = bytes.byte(at: position)
      position += 1
      if byte == UInt8(ascii: "\n") {
        guard let text = bytes.text(in: start..<(position - 1)) else {
          throw fault("a name is not UTF-8", at: start)
        }
        return text
      }
    }
    throw fault("a name has no end or more than \(PickleLimits.nameByteCount) bytes", at: start)
  }
}
