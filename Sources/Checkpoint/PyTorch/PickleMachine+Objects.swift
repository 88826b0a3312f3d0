/// Globals and the objects that are made with them.
extension PickleMachine {
  mutating func makeObject(_ opcode: PickleOpcode) throws(CheckpointError) {
    switch opcode {
    case .global:
      let module = try cursor.line()
      try push(.global(try global(module, try cursor.line())))
    case .stackGlobal:
      let (name, module) = (pickle.text(try pop()), pickle.text(try pop()))
      guard let module, let name else {
        throw fault("a global is named by something that is not a name")
      }
      try push(.global(try global(module, name)))
    case .reduce:
      let arguments = try pop()
      let callee = try pop()
      guard let arguments = pickle.tuple(arguments), case .global(let global) = callee else {
        throw fault("a call of something that is not a known global")
      }
      try push(try object(global, arguments))
    case .build:
      // The state that follows a state dict is its `_metadata`: versions of modules.
      guard case .dictionary = try pop() else {
        throw fault("an object's state is not a dictionary")
      }
      let target = try pop()
      guard case .dictionary = target else { throw fault("a state for what takes none") }
      try push(target)
    default: try push(.storage(try storage(try pop())))
    }
  }

  private func global(
    _ module: String, _ name: String
  ) throws(CheckpointError) -> PickleGlobal {
    guard let global = PickleGlobal(module: module, name: name) else {
      let shown = "\(module).\(name)".unicodeScalars.prefix(120).map {
        $0.properties.generalCategory == .control ? "\u{FFFD}" : String($0)
      }
      throw .refused(name: shown.joined(), offset: opcodeOffset)
    }
    return global
  }

  private mutating func object(
    _ global: PickleGlobal, _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    switch global {
    case .orderedDictionary: return .dictionary(try container(try items(arguments)))
    case .rebuildTensor, .rebuildTensorV2: return .tensor(try tensor(arguments))
    case .rebuildParameter:
      guard case .tensor(let index) = arguments.first else {
        throw fault("a parameter without a tensor")
      }
      return .tensor(index)
    case .storage: throw fault("a storage that is made by a call")
    }
  }

  /// Returns the items of an OrderedDict: Python 2 passes a list of pairs, Python 3 sets them
  /// afterwards.
  private func items(_ arguments: [PickleValue]) throws(CheckpointError) -> [PickleValue] {
    guard let first = arguments.first else { return [] }
    guard arguments.count == 1, case .list(let index) = first else {
      throw fault("an OrderedDict of something else than a list of pairs")
    }
    var items: [PickleValue] = []
    for pair in pickle.containers[index] {
      guard let parts = pickle.sequence(pair), parts.count == 2 else {
        throw fault("an OrderedDict of something else than pairs")
      }
      items += parts
    }
    return items
  }

  /// Makes a storage from `("storage", class, key, location, element count)`.
  ///
  /// In the older stream a view sometimes follows.
  private mutating func storage(_ identifier: PickleValue) throws(CheckpointError) -> Int {
    guard let parts = pickle.tuple(identifier), 5...6 ~= parts.count,
      pickle.text(parts[0]) == "storage", case .global(.storage(let type)) = parts[1],
      case .integer(let elementCount) = parts[4]
    else { throw fault("a persistent id that does not name a storage") }
    guard let key = pickle.text(parts[2]), key.utf8.count <= PickleLimits.keyByteCount else {
      throw fault("a storage's key is not a string of at most \(PickleLimits.keyByteCount) bytes")
    }
    guard elementCount >= 0,
      !elementCount.multipliedReportingOverflow(by: type.byteCount).overflow
    else { throw fault("a storage of \(elementCount) elements") }
    let view = try view(parts.count == 6 ? parts[5] : .none, of: elementCount)
    try Self.check(pickle.storages.count, "storages of the pickle", PickleLimits.tensorCount)
    pickle.storages.append(
      Pickle.Storage(key: key, type: type, elementCount: elementCount, view: view))
    return pickle.storages.count - 1
  }

  /// Returns the range of `(view's key, first element, element count)`, or of None for the whole
  /// storage.
  private func view(
    _ value: PickleValue, of elementCount: Int
  ) throws(CheckpointError) -> Range<Int> {
    if case .none = value { return 0..<elementCount }
    guard let parts = pickle.tuple(value), parts.count == 3, case .integer(let start) = parts[1],
      case .integer(let count) = parts[2], start >= 0, count >= 0, start <= elementCount,
      count <= elementCount - start
    else { throw fault("a view that leaves its storage") }
    return start..<(start + count)
  }

  private mutating func tensor(_ arguments: [PickleValue]) throws(CheckpointError) -> Int {
    guard arguments.count >= 4, case .storage(let index) = arguments[0],
      case .integer(let start) = arguments[1], let shape = integers(arguments[2]),
      let strides = integers(arguments[3])
    else { throw fault("a tensor is not made of storage, offset, size and strides") }
    guard shape.count <= SafetensorsLimits.rank else {
      throw .overLimit(
        what: "dimensions of a tensor", value: shape.count, limit: SafetensorsLimits.rank)
    }
    guard shape.count == strides.count, start >= 0, shape.allSatisfy({ $0 >= 0 }),
      strides.allSatisfy({ $0 >= 0 })
    else { throw fault("a tensor of size \(shape), strides \(strides), offset \(start)") }
    let storage = pickle.storages[index]
    guard let span = Self.span(shape, strides, storage.type), span <= storage.view.count,
      start <= storage.view.count - span
    else {
      throw fault(
        "a tensor of size \(shape), strides \(strides), offset \(start) leaves its storage of "
          + "\(storage.view.count) elements")
    }
    try Self.check(pickle.tensors.count, "tensors of the pickle", PickleLimits.tensorCount)
    let first = storage.view.lowerBound + start
    pickle.tensors.append(
      Pickle.Tensor(
        storage: index, shape: shape, strides: strides, elements: first..<(first + span)))
    return pickle.tensors.count - 1
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard let parts = pickle.tuple(value), parts.count <= SafetensorsLimits.rank + 1 else {
      return nil
    }
    let integers = parts.compactMap { part -> Int? in
      guard case .integer(let integer) = part else { return nil }
      return integer
    }
    return integers.count == parts.count ? integers : nil
  }

  /// Returns the elements from the first to the last inclusive, or nil if that or the tensor's size
  /// in bytes overflows.
  private static func span(_ shape: [Int], _ strides: [Int], _ type: ElementType) -> Int? {
    var last = 0
    var byteCount = type.byteCount
    for (dimension, stride) in zip(shape, strides) where dimension > 0 {
      let (distance, overflowsProduct) = (dimension - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflowsSum) = last.addingReportingOverflow(distance)
      let (size, overflowsSize) = byteCount.multipliedReportingOverflow(by: dimension)
      guard !overflowsProduct, !overflowsSum, !overflowsSize, sum < .max else { return nil }
      (last, byteCount) = (sum, size)
    }
    return shape.contains(0) ? 0 : last + 1
  }
}
