import ResNet

/// A tensor as its file declares it: a view of numbers that lie in the file.
struct TensorEntry: Sendable, Hashable {
  let name: String
  let type: ElementType
  let shape: [Int]
  /// Elements from one index to the next, per dimension; none is below zero.
  let strides: [Int]
  /// From its first element to the end of its last: in the data when a safetensors header is read, in the file
  /// afterwards. Empty where the tensor has no elements.
  var range: Range<Int>

  /// Row-major, without holes: what safetensors holds.
  init(name: String, type: ElementType, shape: [Int], range: Range<Int>) {
    self.init(
      name: name, type: type, shape: shape, strides: Self.denseStrides(of: shape), range: range)
  }

  /// `shape`, of which the product must fit into an `Int`, and `strides` span `range`.
  init(name: String, type: ElementType, shape: [Int], strides: [Int], range: Range<Int>) {
    self.name = name
    self.type = type
    self.shape = shape
    self.strides = strides
    self.range = range
  }

  var elementCount: Int { shape.reduce(1, *) }
  /// Where its bytes start in the file.
  var offset: Int { range.lowerBound }

  /// Whether its numbers lie row-major and without holes; a stride over one element is never walked.
  var isDense: Bool {
    let dense = Self.denseStrides(of: shape)
    return elementCount == 0
      || shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == dense[$0] }
  }

  private static func denseStrides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      // Cannot overflow where no dimension is zero; where one is, nothing reads the strides.
      strides[axis] = strides[axis + 1] &* shape[axis + 1]
    }
    return strides
  }
}

/// Numbers used where the file has them; keeps the file's memory until the last tensor is gone.
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
