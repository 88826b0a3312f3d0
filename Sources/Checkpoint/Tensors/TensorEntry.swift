import ResNet

/// A tensor as declared in its file: a view of numbers that lie in the file.
struct TensorEntry: Sendable, Hashable {
  private(set) var name: String
  let type: ElementType
  let shape: [Int]
  /// Elements from one index to the next, for each dimension; none is below zero.
  let strides: [Int]
  /// Bytes from its first element to the end of its last, counted in the data while a safetensors
  /// header is read and in the file afterwards. Empty if the tensor has no elements.
  var range: Range<Int>

  /// Whether the range is a string of Latin-1 characters in UTF-8, one for each byte.
  private(set) var isLatin1 = false

  /// Declares an array of NumPy.
  init(_ name: String, _ array: NumPyArray) {
    self.init(
      name: name, type: array.type, shape: array.shape, strides: array.strides, range: array.range)
    isLatin1 = array.isLatin1
  }

  /// Declares a row-major tensor without gaps, as in safetensors.
  init(name: String, type: ElementType, shape: [Int], range: Range<Int>) {
    self.init(
      name: name, type: type, shape: shape, strides: Self.denseStrides(of: shape), range: range)
  }

  /// Declares a tensor whose `shape` and `strides` span `range`.
  ///
  /// The product of `shape` must fit into an `Int`.
  init(name: String, type: ElementType, shape: [Int], strides: [Int], range: Range<Int>) {
    self.name = name
    self.type = type
    self.shape = shape
    self.strides = strides
    self.range = range
  }

  /// Returns the same tensor under another name.
  func named(_ name: String) -> TensorEntry {
    var entry = self
    entry.name = name
    return entry
  }

  var elementCount: Int { shape.reduce(1, *) }
  /// Offset of its bytes in the file.
  var offset: Int { range.lowerBound }

  /// Whether its numbers lie row-major and without gaps; a stride over one element is never used.
  var isDense: Bool {
    let dense = Self.denseStrides(of: shape)
    return elementCount == 0
      || shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == dense[$0] }
  }

  /// Reads its floating-point numbers, row-major.
  func floats(in bytes: ModelBytes) throws(CheckpointError) -> [Float] {
    guard isLatin1 else { return bytes.withBytes(in: range) { type.floats(self, in: $0) } }
    let count = elementCount * type.byteCount
    let decoded = bytes.withBytes(in: range) { Self.latin1($0, count: count) }
    guard let decoded else {
      throw .tensor(
        name: name, offset: offset,
        reason: "its numbers are not \(count) bytes in characters of Latin-1")
    }
    // SAFETY: the numbers' bytes are plain integers, which outlive the call.
    return unsafe type.floats(self, in: decoded.span.bytes)
  }

  /// Returns the bytes that characters up to U+00FF stand for, or nil if these are not `count`.
  private static func latin1(_ text: RawSpan, count: Int) -> [UInt8]? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(count)
    // SAFETY: the span's bytes are read inside its bounds, which the buffer checks.
    let isSound = unsafe text.withUnsafeBytes { source in
      var index = 0
      while index < source.count {
        let byte = unsafe source[index]
        if byte < 0x80 {
          decoded.append(byte)
          index += 1
          continue
        }
        // Two bytes: 110000xx 10xxxxxx.
        guard byte & 0xfc == 0xc0, byte & 3 >= 2, index + 1 < source.count,
          unsafe source[index + 1] & 0xc0 == 0x80
        else { return false }
        decoded.append(unsafe (byte & 3) << 6 | source[index + 1] & 0x3f)
        index += 2
      }
      return true
    }
    return isSound && decoded.count == count ? decoded : nil
  }

  private static func denseStrides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      // Cannot overflow if no dimension is zero; if one is, nothing reads the strides.
      strides[axis] = strides[axis + 1] &* shape[axis + 1]
    }
    return strides
  }
}

/// Numbers that are used in place, which keep the file's memory until the last tensor is gone.
struct StoredValues: TensorStorage {
  let bytes: ModelBytes
  /// A multiple of four.
  let offset: Int
  let count: Int

  func withValues<Result, Failure: Error>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try bytes.withFloats(at: offset, count: count, body)
  }
}
