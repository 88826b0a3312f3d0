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
    case .instance:
      let module = try cursor.line()
      let global = try global(module, try cursor.line())
      try push(try object(.global(global), try popToMark()))
    case .object:
      let values = try popToMark()
      guard let callee = values.first else { throw fault("an object without a class") }
      try push(try object(callee, Array(values.dropFirst())))
    case .reduce, .newObject, .newObjectEx:
      if opcode == .newObjectEx { _ = try pop() }
      let arguments = try pop()
      let callee = try pop()
      guard let arguments = pickle.tuple(arguments) else {
        throw fault("a call of something that is not a known global, or without a tuple")
      }
      try push(try object(callee, arguments))
    case .build: try build()
    default: try push(try persistent(try pop()))
    }
  }

  private mutating func build() throws(CheckpointError) {
    let state = try pop()
    let target = try pop()
    switch target {
    case .dictionary:
      // The state that follows a state dict is its `_metadata`: versions of modules.
      guard case .dictionary = state else { throw fault("an object's state is not a dictionary") }
    case .object(let index): buildNumPy(index, state)
    case .global(.other): break
    default: throw fault("a state for what takes none")
    }
    try push(target)
  }

  private mutating func global(
    _ module: String, _ name: String
  ) throws(CheckpointError) -> PickleGlobal {
    if let global = PickleGlobal(module: module, name: name) { return global }
    let full = Self.shown("\(module).\(name)")
    if PickleGlobal.runsCode(module: module, name: name) {
      throw .refused(name: full, offset: opcodeOffset)
    }
    if let index = classIndices[full] { return .other(index) }
    try Self.check(pickle.classes.count, "classes of the pickle", PickleLimits.classCount)
    pickle.classes.append(full)
    classIndices[full] = pickle.classes.count - 1
    return .other(pickle.classes.count - 1)
  }

  /// Returns a name as messages show it.
  static func shown(_ name: String) -> String {
    name.unicodeScalars.prefix(120).map {
      $0.properties.generalCategory == .control ? "\u{FFFD}" : String($0)
    }.joined()
  }

  private mutating func object(
    _ callee: PickleValue, _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    switch callee {
    case .global(.orderedDictionary): return .dictionary(try container(try items(arguments)))
    case .global(.rebuildTensor), .global(.rebuildTensorV2): return try tensorOrObject(arguments)
    case .global(.rebuildParameter):
      switch arguments.first {
      case .tensor(let index): return .tensor(index)
      case .object(let index): return .object(index)
      default: throw fault("a parameter without a tensor")
      }
    case .global(.rebuildFromType): return try typed(arguments)
    case .global(.storage): throw fault("a storage that is made by a call")
    case .global(.other(let index)):
      if let bytes = encodedBytes(index, arguments) { return bytes }
      let made = try placeholder(classOf(index, arguments))
      noteNumPy(index, arguments, made)
      return made
    // The result of a method, say.
    case .object(let index): return try placeholder(pickle.objects[index].classIndex)
    default: throw fault("a call of something that is not a known global")
    }
  }

  /// Returns the class of what a function makes, which for some is their first argument.
  private func classOf(_ callee: Int, _ arguments: [PickleValue]) -> Int {
    guard PickleGlobal.makers.contains(pickle.classes[callee]),
      case .global(.other(let index)) = arguments.first
    else { return callee }
    return index
  }

  private mutating func placeholder(_ classIndex: Int) throws(CheckpointError) -> PickleValue {
    try Self.check(pickle.objects.count, "objects of the pickle", PickleLimits.objectCount)
    pickle.objects.append(Pickle.Object(classIndex: classIndex, offset: opcodeOffset))
    return .object(pickle.objects.count - 1)
  }

  /// Makes a tensor, or a placeholder if its storage is one.
  private mutating func tensorOrObject(
    _ arguments: [PickleValue]
  ) throws(CheckpointError) -> PickleValue {
    if case .object(let index) = arguments.first { return .object(index) }
    let metadata = arguments.count > 6 ? pickle.items(arguments[6]) ?? [] : []
    // Reading with one of these bits reverses signs of what is stored.
    let isReversed = metadata.contains { item in
      guard case .bool(true) = item.value else { return false }
      return ["neg", "conj"].contains(pickle.text(item.key))
    }
    guard !isReversed else {
      throw fault(
        "a tensor is stored with reversed signs; save it with its own, in Python: tensor.resolve_conj()"
          + ".resolve_neg()")
    }
    return .tensor(try tensor(arguments))
  }

  /// Makes a tensor of `(function, class, arguments, state)`, or a placeholder if the class may
  /// give its numbers another meaning.
  private mutating func typed(_ arguments: [PickleValue]) throws(CheckpointError) -> PickleValue {
    guard arguments.count >= 3, let inner = pickle.tuple(arguments[2]) else {
      throw fault("a tensor is not made of function, class and arguments")
    }
    guard case .global(.other(let index)) = arguments[1] else {
      throw fault("a tensor of something that is not a class")
    }
    guard PickleGlobal.plainTensors.contains(pickle.classes[index]) else {
      return try placeholder(index)
    }
    switch arguments[0] {
    case .global(.rebuildTensor), .global(.rebuildTensorV2), .global(.rebuildParameter):
      return try object(arguments[0], inner)
    case .global(.other(let function)): return try placeholder(function)
    default: throw fault("a tensor that is made by something else than a function")
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

  /// Makes a storage from `("storage", class, key, location, element count)`, or a placeholder if
  /// its numbers are not read.
  ///
  /// In the older stream a view sometimes follows, and `("module", class, file, source)` stands for
  /// the class of a module.
  private mutating func persistent(
    _ identifier: PickleValue
  ) throws(CheckpointError) -> PickleValue {
    guard let parts = pickle.tuple(identifier), 4...6 ~= parts.count else { throw notStorage }
    switch (pickle.text(parts[0]), parts[1]) {
    case ("module", .global(.other)) where parts.count == 4: return parts[1]
    case ("storage", .global(.storage(let type))) where parts.count > 4:
      return .storage(try storage(parts, type))
    case ("storage", .global(.other(let index))) where parts.count > 4:
      try noteUnread(parts, PickleGlobal.unreadStorages[pickle.classes[index]])
      return try placeholder(index)
    default: throw notStorage
    }
  }

  /// Notes the size of a storage whose numbers are not read, because others may lie after it.
  private mutating func noteUnread(
    _ parts: [PickleValue], _ elementByteCount: Int?
  ) throws(CheckpointError) {
    guard let elementByteCount, let key = pickle.text(parts[2]),
      case .integer(let count) = parts[4], count >= 0
    else { return }
    let (byteCount, overflows) = count.multipliedReportingOverflow(by: elementByteCount)
    guard !overflows else { throw fault("a storage of \(count) elements") }
    try Self.check(pickle.unreadStorages.count, "storages of the pickle", PickleLimits.tensorCount)
    pickle.unreadStorages[key] = (count, byteCount)
  }

  private var notStorage: CheckpointError { fault("a persistent id that does not name a storage") }

  private mutating func storage(
    _ parts: [PickleValue], _ type: ElementType
  ) throws(CheckpointError) -> Int {
    guard case .integer(let elementCount) = parts[4] else { throw notStorage }
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

  func integers(_ value: PickleValue) -> [Int]? {
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
