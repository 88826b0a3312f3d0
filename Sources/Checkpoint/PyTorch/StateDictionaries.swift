import Words

/// All dictionaries of tensors inside a PyTorch file.
///
/// The network's state dict is the outermost value or lies under a name that the training program
/// chose, beside the epoch and the optimiser.
struct StateDictionaries {
  private(set) var groups: [TensorGroup] = []
  /// Whether nothing was passed over that may hold tensors of a network whose parts lie in several of
  /// these dictionaries: lists, values without names, what lies too deep.
  private(set) var isWhole = true
  /// Lists of tensors beside them, but those of an optimiser.
  private(set) var lists: [NamelessTensors] = []
  private let contents: PyTorchContents
  /// Tensors of all groups.
  private var tensorCount = 0
  /// Names of each group's tensors as they stand in the file.
  private var orders: [[String]] = []
  private var foundLists: [(path: String, tensors: [TensorEntry])] = []
  /// A dictionary of parameters whose numbers cannot be read, if there is one.
  private var unreadable: TensorGroup?
  /// Whether a tensor has something else than a string for a name.
  private var hasNamelessTensor = false

  init(_ contents: PyTorchContents) throws(CheckpointError) {
    self.contents = contents
    try search()
    guard groups.isEmpty else {
      lists = foundLists.map { NamelessTensors(path: $0.path, $0.tensors, groups, orders: orders) }
      return
    }
    try unreadable?.checkPlaceholders(under: "")
    guard !hasNamelessTensor else {
      throw .unsupported(
        "the state dict has a tensor whose name is not a string of at most "
          + "\(PickleLimits.nameByteCount) bytes")
    }
    throw noTensors
  }

  private var pickle: Pickle { contents.pickle }

  /// Looks into dictionaries in dictionaries, the outer ones first, each once.
  private mutating func search() throws(CheckpointError) {
    var waiting: [(value: PickleValue, path: String, depth: Int)] = [(pickle.root, "", 0)]
    var seen: Set<Int> = []
    var next = 0
    while next < waiting.count {
      let (value, path, depth) = waiting[next]
      next += 1
      guard let mapping = pickle.mapping(value) else { continue }
      guard seen.insert(mapping).inserted else {
        passOver(path)
        continue
      }
      for (name, inner) in try collect(value, path) {
        guard depth < PickleLimits.wrapperCount else {
          passOver(path)
          continue
        }
        guard waiting.count < PickleLimits.searchedCount else {
          throw .overLimit(
            what: "dictionaries in which weights are looked for", value: waiting.count + 1,
            limit: PickleLimits.searchedCount)
        }
        waiting.append((inner, path.isEmpty ? name : "\(path).\(name)", depth + 1))
      }
    }
  }

  /// Adds the tensors of a dictionary as a group, and returns the dictionaries in it.
  private mutating func collect(
    _ value: PickleValue, _ path: String
  ) throws(CheckpointError) -> [(name: String, value: PickleValue)] {
    var tensors: [String: TensorEntry] = [:]
    var arrays: [String: TensorEntry] = [:]
    var placeholders: [String: TensorGroup.Placeholder] = [:]
    var inner: [(name: String, value: PickleValue)] = []
    var order: [String] = []
    for item in pickle.items(value) ?? [] {
      guard let name = pickle.text(item.key) else {
        if case .tensor = item.value { hasNamelessTensor = true }
        if mayHoldTensors(item.value) { passOver(path) }
        continue
      }
      // A later item replaces an earlier one of the same name.
      (tensors[name], arrays[name], placeholders[name]) = (nil, nil, nil)
      try Self.check(tensors.count + arrays.count)
      if case .tensor(let index) = item.value {
        tensors[name] = entry(name, pickle.tensors[index])
        order.append(name)
      } else if let array = pickle.array(item.value) {
        arrays[name] = TensorEntry(name, array)
      } else if name.contains("."), TensorGroup.isParameter(name),
        let kind = pickle.plainKind(item.value)
      {
        placeholders[name] = .init(className: kind, offset: offset(item.key))
      } else if pickle.mapping(item.value) != nil {
        inner.append((name, item.value))
      } else if let className = pickle.className(item.value) {
        // Beside a state dict there are options and the like, inside of one there are modules.
        if !path.isEmpty || className.hasPrefix("torch.nn.") { passOver(path) }
        placeholders[name] = .init(
          className: "a \(className)", arrayFault: pickle.arrayFault(item.value),
          offset: offset(item.value))
      } else if mayHoldTensors(item.value) {
        passOver(path.isEmpty ? name : path)
        try note(listUnder: path.isEmpty ? name : "\(path).\(name)", item.value)
      }
    }
    // Beside tensors, and where no parameter is an array, arrays are what a training keeps; so are
    // single numbers.
    let parameters = arrays.filter { TensorGroup.isParameter($0.key) }
    let isOfArrays = tensors.isEmpty && !parameters.isEmpty
    let taken = isOfArrays ? arrays.filter { !$0.value.shape.isEmpty } : [:]
    tensors.merge(taken.merging(parameters) { array, _ in array }) { tensor, _ in tensor }
    guard !tensors.isEmpty else {
      let faults = placeholders.filter { $0.value.arrayFault != nil }
      if unreadable == nil, faults.keys.contains(where: TensorGroup.isParameter) {
        unreadable = TensorGroup(path: path, entries: [], placeholders: faults)
      }
      return inner
    }
    tensorCount += tensors.count
    try Self.check(tensorCount)
    let entries = tensors.sorted { $0.key < $1.key }.map(\.value)
    groups.append(TensorGroup(path: path, entries: entries, placeholders: placeholders))
    orders.append(order)
    return inner
  }

  /// Notes a list of tensors alone, that is not what an optimiser keeps.
  private mutating func note(listUnder path: String, _ value: PickleValue) throws(CheckpointError) {
    guard !Self.isOfTraining(path), !path.hasSuffix(NamelessTensors.backupName),
      let parts = pickle.sequence(value), parts.count >= NamelessTensors.leastCount
    else { return }
    var tensors: [TensorEntry] = []
    for part in parts {
      guard case .tensor(let index) = part else { return }
      tensors.append(entry("\(path).\(tensors.count)", pickle.tensors[index]))
    }
    tensorCount += tensors.count
    try Self.check(tensorCount)
    foundLists.append((path, tensors))
  }

  /// Notes that something of a dictionary is not read, unless it is what a training keeps.
  private mutating func passOver(_ path: String) {
    if !Self.isOfTraining(path) { isWhole = false }
  }

  /// Whether a dictionary's path is that of what only a training needs.
  static func isOfTraining(_ path: String) -> Bool {
    trainingWords.contains(where: path.lowercased().containsText)
  }

  /// Parts of the names of what only a training needs.
  private static let trainingWords = ["optim", "sched", "scaler"]

  private func mayHoldTensors(_ value: PickleValue) -> Bool {
    func holds(_ value: PickleValue) -> Bool {
      if case .tensor = value { return true }
      return pickle.mapping(value) != nil || pickle.array(value) != nil
        || pickle.className(value) != nil
    }
    if holds(value) { return true }
    return pickle.sequence(value)?.prefix(Self.shownCount).contains { part in
      holds(part) || pickle.sequence(part)?.isEmpty == false
    } == true
  }

  private static func check(_ tensorCount: Int) throws(CheckpointError) {
    guard tensorCount <= PickleLimits.namedTensorCount else {
      throw .overLimit(
        what: "tensors in dictionaries", value: tensorCount, limit: PickleLimits.namedTensorCount)
    }
  }

  /// Returns the place of an object or a string in the file.
  private func offset(_ value: PickleValue) -> Int {
    switch value {
    case .object(let index): pickle.objects[index].offset
    case .text(let range): range.lowerBound
    default: 0
    }
  }

  /// Returns how to make a state dict of an object of a class.
  ///
  /// - Parameter key: Name under which it stands in the file; empty if it is the whole file.
  private static func wayToState(from name: String, under key: String = "") -> String {
    name.hasPrefix("fastai.")
      ? "of a learner save the state dict of its model, in Python: torch.save("
        + "load_learner(\"export.pkl\").model.state_dict(), \"model.pth\")"
      : "of a whole model save the state dict, in Python: torch.save("
        + "torch.load(\"model.pt\", weights_only=False)"
        + (key.isEmpty ? "" : "[\"\(key.prefix(40))\"]") + ".state_dict(), \"model.pth\")"
  }

  /// The fault of a file without tensors; it names the objects that may be what they are in.
  private var noTensors: CheckpointError {
    if let name = pickle.className(pickle.root) {
      return .unsupported(
        "the file holds no state dict but a whole object, \(name); "
          + Self.wayToState(from: name))
    }
    if let found = listed(pickle.root, "") { return found }
    guard let items = pickle.items(pickle.root) else {
      let found = nameless(pickle.root).map { "\($0)" } ?? "something else"
      return .unsupported(
        "the file holds no state dict (a dictionary of names and tensors) but \(found); "
          + Self.savingState)
    }
    for item in items {
      guard let name = pickle.text(item.key) else { continue }
      if let found = listed(item.value, name) { return found }
      guard let found = nameless(item.value) else { continue }
      return .unsupported(
        "\(name.prefix(40)) is \(found), not a dictionary of names and tensors; \(Self.savingState)"
      )
    }
    let objects = items.compactMap { item -> (name: String, className: String)? in
      guard let name = pickle.text(item.key) else { return nil }
      return pickle.className(item.value).map { (name, $0) }
    }
    guard let first = objects.first else {
      return .unsupported(
        "the file holds no tensor under a name, nor in a dictionary or a few of them inside of each other; "
          + Self.savingState)
    }
    if first.className.hasPrefix("torch._utils._rebuild_meta_tensor") {
      return .unsupported(
        "\(first.name.prefix(40)) and others are tensors on the device meta, which have no numbers; load "
          + "the weights into the network before its state dict is saved")
    }
    let shown =
      objects.prefix(3).map { "\($0.name.prefix(40)) is a \($0.className)" }.joined(separator: ", ")
      + (objects.count > 3 ? ", …" : "")
    return .unsupported(
      "the file holds no tensor under a name (\(shown)); "
        + Self.wayToState(from: first.className, under: first.name))
  }

  /// Returns the error for a list or tuple that holds a state dict, which lies at the top of the file or
  /// under a name.
  private func listed(_ value: PickleValue, _ name: String) -> CheckpointError? {
    guard let parts = pickle.sequence(value) else { return nil }
    let place = parts.prefix(Self.shownCount).firstIndex { part in
      pickle.items(part)?.contains { if case .tensor = $0.value { true } else { false } } == true
    }
    guard let place else { return nil }
    let kind = if case .list = value { "a list" } else { "a tuple" }
    let key = name.isEmpty ? "" : "[\"\(name.prefix(40))\"]"
    return .unsupported(
      "\(name.isEmpty ? "the file" : "\(name.prefix(40))") is \(kind) of \(parts.count) values, of which "
        + "number \(place) holds the tensors; take it out, in Python: "
        + "torch.save(torch.load(\"model.pth\")\(key)[\(place)], \"state.pth\")")
  }

  private static let savingState =
    "save the network's state dict, in Python: torch.save(model.state_dict(), \"model.pth\")"

  /// Values of a list that are looked at.
  private static let shownCount = 16

  /// Returns words for tensors without names: one alone, or several in a list.
  private func nameless(_ value: PickleValue) -> String? {
    if case .tensor = value { return "a single tensor" }
    guard let parts = pickle.sequence(value), !parts.isEmpty else { return nil }
    func isTensor(_ value: PickleValue) -> Bool { if case .tensor = value { true } else { false } }
    let isOfTensors = parts.prefix(Self.shownCount).contains { part in
      // Pairs of names and tensors too.
      isTensor(part) || pickle.sequence(part)?.prefix(2).contains(where: isTensor) == true
    }
    let kind = if case .list = value { "a list" } else { "a tuple" }
    return isOfTensors ? "\(kind) of \(parts.count) values, tensors not under their names" : nil
  }

  private func entry(_ name: String, _ tensor: Pickle.Tensor) -> TensorEntry {
    let type = pickle.storages[tensor.storage].type
    let start = contents.storageStarts[tensor.storage]
    let first = start + tensor.elements.lowerBound * type.byteCount
    let end = start + tensor.elements.upperBound * type.byteCount
    return TensorEntry(
      name: name, type: type, shape: tensor.shape, strides: tensor.strides, range: first..<end)
  }
}
