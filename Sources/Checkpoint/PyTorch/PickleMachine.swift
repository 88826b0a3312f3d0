/// Runs a pickle as far as plain containers and tensors need it.
///
/// It cannot call anything: a global is a case of `PickleGlobal`, and REDUCE is a `switch` over
/// these, which makes a placeholder of whatever is not known. Nothing recurses; every list that
/// grows has a limit (`PickleLimits`).
struct PickleMachine {
  var cursor: PickleCursor
  var pickle: Pickle
  private var stack: [PickleValue] = []
  /// Heights of the stack at which marks were set.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var elementCount = 0
  /// Indices into `pickle.classes`.
  var classIndices: [String: Int] = [:]
  /// Offset of the current opcode, for errors.
  private(set) var opcodeOffset = 0

  /// Runs the pickle that begins at the cursor, up to and including its STOP.
  static func run(_ cursor: PickleCursor) throws(CheckpointError) -> Pickle {
    var machine = PickleMachine(cursor)
    try machine.run()
    return machine.pickle
  }

  private init(_ cursor: PickleCursor) {
    self.cursor = cursor
    pickle = Pickle(bytes: cursor.bytes, format: cursor.format)
  }

  private mutating func run() throws(CheckpointError) {
    let start = cursor.position
    try checkProtocol()
    for _ in 0..<PickleLimits.opcodeCount {
      opcodeOffset = cursor.position
      let byteCount = opcodeOffset - start - cursor.stringByteCount
      guard byteCount <= PickleLimits.byteCount else {
        throw .overLimit(
          what: "bytes of the pickle", value: byteCount, limit: PickleLimits.byteCount)
      }
      let byte = try cursor.integer(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: byte) else {
        throw fault("opcode 0x\(String(byte, radix: 16)) is none that tensors need")
      }
      if opcode == .stop {
        pickle.root = try pop()
        pickle.end = cursor.position
        guard stack.isEmpty, marks.isEmpty else { throw fault("values are left over at its end") }
        return
      }
      try step(opcode)
    }
    throw .overLimit(
      what: "opcodes of the pickle", value: PickleLimits.opcodeCount + 1,
      limit: PickleLimits.opcodeCount)
  }

  private mutating func checkProtocol() throws(CheckpointError) {
    opcodeOffset = cursor.position
    guard try cursor.integer(UInt8.self) == PickleOpcode.proto.rawValue else {
      throw fault("a pickle begins with its protocol")
    }
    let version = try cursor.integer(UInt8.self)
    guard 2...5 ~= version else { throw fault("pickle protocol \(version), 2 to 5 are read") }
  }

  private mutating func step(_ opcode: PickleOpcode) throws(CheckpointError) {
    switch opcode {
    case .proto, .stop: throw fault("a pickle inside the pickle")
    case .frame: try cursor.checkFrame()
    case .mark:
      try Self.check(marks.count, "open marks of the pickle", PickleLimits.nesting)
      marks.append(stack.count)
    case .pop:
      // POP then removes a mark on top, as in CPython.
      if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .none, .newTrue, .newFalse, .integerLine, .integer8, .integer16, .integer32, .long8,
      .long32, .float64:
      try push(scalar(opcode))
    case .string8, .string32, .text8, .text32, .text64, .bytes8, .bytes32, .bytes64, .byteArray64:
      try push(string(opcode))
    case .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .emptyList, .list, .emptyDictionary,
      .dictionary, .emptySet, .frozenSet:
      try makeContainer(opcode)
    case .append, .appends, .addItems, .setItem, .setItems: try fillContainer(opcode)
    case .get8, .get32, .put8, .put32, .memoize: try useMemo(opcode)
    case .global, .stackGlobal, .reduce, .newObject, .newObjectEx, .instance, .object, .build,
      .persistentID:
      try makeObject(opcode)
    }
  }

  private mutating func scalar(_ opcode: PickleOpcode) throws(CheckpointError) -> PickleValue {
    switch opcode {
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .integerLine:
      let text = try cursor.line()
      // Python 2 writes booleans as 00 and 01 in this form.
      guard let value = Int(text) else { throw fault("an integer that is not a decimal number") }
      return .integer(value)
    case .integer8: return .integer(Int(try cursor.integer(UInt8.self)))
    case .integer16: return .integer(Int(try cursor.integer(UInt16.self)))
    case .integer32: return .integer(Int(try cursor.integer(Int32.self)))
    case .long8: return long(try cursor.longInteger(UInt64(try cursor.integer(UInt8.self))))
    case .long32:
      let count = try cursor.integer(Int32.self)
      guard count >= 0 else { throw fault("an integer of \(count) bytes") }
      return long(try cursor.longInteger(UInt64(count)))
    case .float64:
      // Big-endian, unlike all other numbers of a pickle.
      return .float(Double(bitPattern: try cursor.integer(UInt64.self).byteSwapped))
    default: return .none
    }
  }

  /// Returns a two's complement integer of any length.
  private func long(_ range: Range<Int>) -> PickleValue {
    guard range.count <= MemoryLayout<Int>.size else { return .bigInteger(range) }
    var value = 0
    for offset in range.reversed() { value = value << 8 | Int(cursor.bytes.byte(at: offset)) }
    let unusedBits = (MemoryLayout<Int>.size - range.count) * 8
    return .integer(range.isEmpty ? 0 : (value << unusedBits) >> unusedBits)
  }

  private mutating func string(_ opcode: PickleOpcode) throws(CheckpointError) -> PickleValue {
    let count: UInt64 =
      switch opcode {
      case .string8, .text8, .bytes8: UInt64(try cursor.integer(UInt8.self))
      case .string32, .text32, .bytes32: UInt64(try cursor.integer(UInt32.self))
      default: try cursor.integer(UInt64.self)
      }
    let range = try cursor.string(count)
    switch opcode {
    // Python 2's strings name tensors in old files.
    case .text8, .text32, .text64, .string8, .string32: return .text(range)
    default: return .bytes(range)
    }
  }

  private mutating func useMemo(_ opcode: PickleOpcode) throws(CheckpointError) {
    let index: Int
    switch opcode {
    case .get8, .put8: index = Int(try cursor.integer(UInt8.self))
    case .get32, .put32: index = Int(try cursor.integer(UInt32.self))
    default: index = memo.count
    }
    switch opcode {
    case .get8, .get32:
      guard let value = memo[index] else { throw fault("memo \(index) is not there") }
      try push(value)
    default:
      try Self.check(memo.count, "memo entries of the pickle", PickleLimits.memoEntryCount)
      let value = try pop()
      memo[index] = value
      try push(value)
    }
  }

  // MARK: - The stack

  func fault(_ reason: String) -> CheckpointError { cursor.fault(reason, at: opcodeOffset) }

  /// Throws if one more than `count` is beyond the limit.
  static func check(_ count: Int, _ what: String, _ limit: Int) throws(CheckpointError) {
    guard count < limit else { throw .overLimit(what: what, value: count + 1, limit: limit) }
  }

  mutating func push(_ value: PickleValue) throws(CheckpointError) {
    try Self.check(stack.count, "values on the pickle's stack", PickleLimits.stackDepth)
    stack.append(value)
  }

  /// Pops the top value; values below a mark are out of reach.
  mutating func pop() throws(CheckpointError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw fault("the stack is empty")
    }
    return value
  }

  /// Pops all values above the last mark, and the mark.
  mutating func popToMark() throws(CheckpointError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fault("no mark is set") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  /// Adds a container and returns its index.
  mutating func container(_ values: [PickleValue]) throws(CheckpointError) -> Int {
    try Self.check(
      pickle.containers.count, "containers of the pickle", PickleLimits.containerCount)
    try count(values.count)
    pickle.containers.append(values)
    return pickle.containers.count - 1
  }

  mutating func append(_ values: [PickleValue], to container: Int) throws(CheckpointError) {
    try count(values.count)
    pickle.containers[container] += values
  }

  private mutating func count(_ added: Int) throws(CheckpointError) {
    elementCount += added
    try Self.check(
      elementCount - 1, "values in the pickle's containers", PickleLimits.elementCount)
  }
}
