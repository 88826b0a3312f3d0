/// All dictionaries of tensors inside a PyTorch file.
///
/// The network's state dict is the outermost value or lies under a name that the training program
/// chose, beside the epoch and the optimiser.
struct StateDictionaries {
  private(set) var groups: [TensorGroup] = []
  private let contents: PyTorchContents
  /// Tensors of all groups.
  private var tensorCount = 0
  /// A dictionary of parameters whose numbers cannot be read, if there is one.
  private var unreadable: TensorGroup?
  /// Whether a tensor has something else than a string for a name.
  private var hasNamelessTensor = false

  init(_ contents: PyTorchContents) throws(CheckpointError) {
    self.contents = contents
    try search()
    guard groups.isEmpty else { return }
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
      guard let mapping = pickle.mapping(value), seen.insert(mapping).inserted else { continue }
      for (name, inner) in try collect(value, path) where depth < PickleLimits.wrapperCount {
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
    for item in pickle.items(value) ?? [] {
      guard let name = pickle.text(item.key) else {
        if case .tensor = item.value { hasNamelessTensor = true }
        continue
      }
      // A later item replaces an earlier one of the same name.
      (tensors[name], arrays[name], placeholders[name]) = (nil, nil, nil)
      try Self.check(tensors.count + arrays.count)
      if case .tensor(let index) = item.value {
        tensors[name] = entry(name, pickle.tensors[index])
      } else if let array = pickle.array(item.value) {
        arrays[name] = TensorEntry(name, array)
      } else if pickle.mapping(item.value) != nil {
        inner.append((name, item.value))
      } else if let className = pickle.className(item.value) {
        placeholders[name] = .init(
          className: className, arrayFault: pickle.arrayFault(item.value),
          offset: offset(item.value))
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
    return inner
  }

  private static func check(_ tensorCount: Int) throws(CheckpointError) {
    guard tensorCount <= PickleLimits.namedTensorCount else {
      throw .overLimit(
        what: "tensors in dictionaries", value: tensorCount, limit: PickleLimits.namedTensorCount)
    }
  }

  private func offset(_ value: PickleValue) -> Int {
    if case .object(let index) = value { pickle.objects[index].offset } else { 0 }
  }

  /// Returns how to make a state dict of an object of a class.
  private static func wayToState(from name: String) -> String {
    name.hasPrefix("fastai.")
      ? "of a learner save the state dict of its model, in Python: torch.save("
        + "load_learner(\"export.pkl\").model.state_dict(), \"model.pth\")"
      : "of a whole model save the state dict, in Python: torch.save("
        + "torch.load(\"model.pt\", weights_only=False).state_dict(), \"model.pth\")"
  }

  /// The fault of a file without tensors; it names the objects that may be what they are in.
  private var noTensors: CheckpointError {
    if let name = pickle.className(pickle.root) {
      return .unsupported(
        "the file holds no state dict but a whole object, \(name); "
          + Self.wayToState(from: name))
    }
    guard let items = pickle.items(pickle.root) else {
      return .unsupported("the file holds no state dict (a dictionary of names and tensors)")
    }
    let objects = items.compactMap { item -> String? in
      guard let name = pickle.text(item.key), let found = pickle.className(item.value) else {
        return nil
      }
      return "\(name.prefix(40)) is a \(found)"
    }
    guard !objects.isEmpty else { return .unsupported("the file's state dict holds no tensor") }
    let shown = objects.prefix(3).joined(separator: ", ") + (objects.count > 3 ? ", …" : "")
    return .unsupported(
      "the file's state dict holds no tensor (\(shown)); \(Self.wayToState(from: ""))")
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
