/// Result of a pickle: one value, and the parts that values refer to.
struct Pickle {
  /// A run of elements that the file holds elsewhere.
  struct Storage: Hashable {
    let key: String
    let type: ElementType
    /// Number of elements of the whole storage called `key`.
    let elementCount: Int
    /// Range of the elements that this reference covers: all, or a view.
    let view: Range<Int>
  }

  /// A view of a storage, checked to lie inside it.
  struct Tensor {
    /// Index into `storages`.
    let storage: Int
    let shape: [Int]
    let strides: [Int]
    /// Range from the first element to the end of the last, counted from the first of the storage
    /// called `key`; empty if a dimension is zero.
    let elements: Range<Int>
  }

  /// A placeholder for an object: its class and the items that were set in it.
  struct Object {
    /// Index into `classes`.
    let classIndex: Int
    /// Offset of the opcode that makes it.
    let offset: Int
    /// Index into `containers` of alternating keys and values; nil if it has none.
    var items: Int?
  }

  let bytes: ModelBytes
  let format: FileFormat
  var root = PickleValue.none
  var containers: [[PickleValue]] = []
  var storages: [Storage] = []
  var tensors: [Tensor] = []
  var objects: [Object] = []
  /// Full names of unknown classes and functions.
  var classes: [String] = []
  /// NumPy's values among the placeholders, by their index in `objects`.
  var numPy: [Int: NumPyValue] = [:]
  /// Sizes of storages that no tensor is read from, by key.
  var unreadStorages: [String: (elementCount: Int, byteCount: Int)] = [:]
  /// Offset in the file of the byte after the pickle.
  var end = 0

  /// Returns a string that may be a name, or nil for other values and for bytes that are not UTF-8.
  ///
  /// Nil for longer strings too, which might be referred to from a million places.
  func text(_ value: PickleValue) -> String? {
    guard case .text(let range) = value, range.count <= PickleLimits.nameByteCount else {
      return nil
    }
    return bytes.text(in: range)
  }

  /// Returns the parts of a tuple, or nil for other values.
  func tuple(_ value: PickleValue) -> [PickleValue]? {
    guard case .tuple(let index) = value else { return nil }
    return containers[index]
  }

  /// Returns the parts of a tuple or a list, or nil for other values.
  func sequence(_ value: PickleValue) -> [PickleValue]? {
    guard case .list(let index) = value else { return tuple(value) }
    return containers[index]
  }

  /// Returns the items of a dictionary, or those set in an object of an unknown class as in a
  /// dictionary, in order; nil for other values.
  func items(_ value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
    guard let index = mapping(value) else { return nil }
    let parts = containers[index]
    return stride(from: 0, to: parts.count, by: 2).map { (parts[$0], parts[$0 + 1]) }
  }

  /// Returns the container with a mapping's items, by which two references to one are told.
  func mapping(_ value: PickleValue) -> Int? {
    switch value {
    case .dictionary(let index): index
    case .object(let index): objects[index].items
    default: nil
    }
  }

  /// Whether it holds arrays of NumPy, whether or not their numbers can be read.
  var hasArrays: Bool {
    numPy.values.contains { value in
      switch value {
      case .array, .unreadable: true
      case .type, .emptyArray: false
      }
    }
  }

  /// Returns the array of NumPy that a placeholder stands for.
  func array(_ value: PickleValue) -> NumPyArray? {
    guard case .object(let index) = value, case .array(let array) = numPy[index] else { return nil }
    return array
  }

  /// Returns words for a value of Python's own that is neither nothing nor an object.
  func plainKind(_ value: PickleValue) -> String? {
    switch value {
    case .bool, .integer, .bigInteger, .float: "a number of Python's"
    case .text, .bytes, .latin1: "a string"
    case .list: "a list"
    case .tuple: "a tuple"
    case .dictionary: "a dictionary"
    case .none, .global, .storage, .tensor, .object: nil
    }
  }

  /// Returns why an array's numbers cannot be read; nil for what is not an array.
  func arrayFault(_ value: PickleValue) -> String? {
    guard case .object(let index) = value, case .unreadable(let reason) = numPy[index] else {
      return nil
    }
    return reason
  }

  /// Returns the class of a placeholder, or nil for other values.
  func className(_ value: PickleValue) -> String? {
    switch value {
    case .object(let index): classes[objects[index].classIndex]
    case .global(.other(let index)): classes[index]
    default: nil
    }
  }
}
