extension PickleMachine {
  mutating func makeContainer(_ opcode: PickleOpcode) throws(CheckpointError) {
    switch opcode {
    case .emptyList, .emptySet: try push(.list(try container([])))
    case .list, .frozenSet: try push(.list(try container(try popToMark())))
    case .emptyDictionary: try push(.dictionary(try container([])))
    case .dictionary: try push(.dictionary(try container(try pairs())))
    case .tuple: try push(.tuple(try container(try popToMark())))
    case .tuple1: try makeTuple(1)
    case .tuple2: try makeTuple(2)
    case .tuple3: try makeTuple(3)
    default: try makeTuple(0)
    }
  }

  private mutating func makeTuple(_ count: Int) throws(CheckpointError) {
    var values: [PickleValue] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try pop()) }
    try push(.tuple(try container(values.reversed())))
  }

  mutating func fillContainer(_ opcode: PickleOpcode) throws(CheckpointError) {
    let values: [PickleValue]
    switch opcode {
    case .append: values = [try pop()]
    case .setItem:
      let value = try pop()
      values = [try pop(), value]
    case .setItems: values = try pairs()
    default: values = try popToMark()
    }
    let target = try pop()
    if case .object(let index) = target {
      try fill(index, with: values, asItems: opcode == .setItem || opcode == .setItems)
      return try push(target)
    }
    switch (opcode, target) {
    case (.append, .list(let index)), (.appends, .list(let index)), (.addItems, .list(let index)),
      (.setItem, .dictionary(let index)), (.setItems, .dictionary(let index)):
      try append(values, to: index)
    default: throw fault("items for something that is not a container")
    }
    try push(target)
  }

  /// Keeps what is set by key, because the class may be a kind of dictionary; drops the rest.
  private mutating func fill(
    _ object: Int, with values: [PickleValue], asItems: Bool
  ) throws(CheckpointError) {
    guard asItems else { return }
    if let items = pickle.objects[object].items { return try append(values, to: items) }
    pickle.objects[object].items = try container(values)
  }

  /// Pops alternating keys and values down to the last mark.
  private mutating func pairs() throws(CheckpointError) -> [PickleValue] {
    let values = try popToMark()
    guard values.count.isMultiple(of: 2) else { throw fault("a key without a value") }
    return values
  }
}
