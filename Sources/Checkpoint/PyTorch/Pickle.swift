/// What a pickle has built: one value, and the parts that values refer to.
struct Pickle {
  /// A run of elements that the file holds elsewhere.
  struct Storage: Hashable {
    let key: String
    let type: ElementType
    /// Elements of the whole storage called `key`.
    let elementCount: Int
    /// Those of them that this reference sees: all, or a view.
    let view: Range<Int>
  }

  /// A view of a storage, checked to lie inside it.
  struct Tensor {
    /// An index into `storages`.
    let storage: Int
    let shape: [Int]
    let strides: [Int]
    /// From the first element to the end of the last, counted from the first of the storage called `key`; empty
    /// where a dimension is zero.
    let elements: Range<Int>
  }

  let bytes: ModelBytes
  let format: FileFormat
  var root = PickleValue.none
  var containers: [[PickleValue]] = []
  var storages: [Storage] = []
  var tensors: [Tensor] = []
  /// Where the next byte of the file follows.
  var end = 0

  /// The characters of a text that may be a name; nil for other values, for what is not UTF-8, and for longer texts,
  /// which might stand in a million places.
  func text(_ value: PickleValue) -> String? {
    guard case .text(let range) = value, range.count <= PickleLimits.nameByteCount else {
      return nil
    }
    return bytes.text(in: range)
  }

  /// The parts of a tuple; nil for other values.
  func tuple(_ value: PickleValue) -> [PickleValue]? {
    guard case .tuple(let index) = value else { return nil }
    return containers[index]
  }

  /// The parts of a tuple or a list; nil for other values.
  func sequence(_ value: PickleValue) -> [PickleValue]? {
    guard case .list(let index) = value else { return tuple(value) }
    return containers[index]
  }

  /// The items of a dictionary in order; nil for other values.
  func items(_ value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
    guard case .dictionary(let index) = value else { return nil }
    let parts = containers[index]
    return stride(from: 0, to: parts.count, by: 2).map { (parts[$0], parts[$0 + 1]) }
  }
}
