import ResNet

/// A tensor as declared in its file: a view of numbers that lie in the file.
struct TensorEntry: Sendable, Hashable {
  let name: String
  let type: ElementType
  let shape: [Int]
  /// Elements from one index to the next, for each dimension; none is below zero.
  let strides: [Int]
  /// Bytes from its first element to the end of its last, counted in the data while a safetensors
  /// header is read and in the file afterwards. Empty if the tensor has no elements.
  var range: Range<Int>

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

  var elementCount: Int { shape.reduce(1, *) }
  /// Offset of its bytes in the file.
  var offset: Int { range.lowerBound }

  /// Whether its numbers lie row-major and without gaps; a stride over one element is never used.
  var isDense: Bool {
    let dense = Self.denseStrides(of: shape)
    return elementCount == 0
      || shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == dense[$0] }
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
