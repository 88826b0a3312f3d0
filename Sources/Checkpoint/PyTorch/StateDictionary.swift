/// The tensors of the state dict inside a PyTorch file.
///
/// It is the outermost value or under one of `wrappers`, as training programs store it with the
/// epoch and the optimiser.
struct StateDictionary {
  /// Names in order of preference.
  static let wrappers = ["state_dict", "model", "model_state_dict", "state_dict_ema", "ema"]

  private(set) var entries: [TensorEntry] = []
  private(set) var warnings: [String] = []
  private let contents: PyTorchContents

  init(_ contents: PyTorchContents) throws(CheckpointError) {
    self.contents = contents
    try collect(try find())
  }

  private var pickle: Pickle { contents.pickle }

  /// Returns the innermost dictionary under the wrappers.
  private mutating func find() throws(CheckpointError) -> PickleValue {
    var value = pickle.root
    for _ in 0...PickleLimits.wrapperCount {
      guard pickle.mapping(value) != nil else { throw Self.noState(pickle, under: value) }
      let wrapped = self.wrapped(value)
      guard let chosen = wrapped.first else { return value }
      if wrapped.count > 1 {
        let names = wrapped.map(\.name).joined(separator: ", ")
        warnings.append("weights under \(names): those under \(chosen.name) are used")
      }
      value = chosen.value
    }
    throw .unsupported("a state dict under more than \(PickleLimits.wrapperCount) dictionaries")
  }

  /// Returns values under the wrappers' names that hold tensors or another wrapper.
  private func wrapped(_ value: PickleValue) -> [(name: String, value: PickleValue)] {
    var found: [String: PickleValue] = [:]
    for item in pickle.items(value) ?? [] {
      if let name = pickle.text(item.key), Self.wrappers.contains(name) { found[name] = item.value }
    }
    return Self.wrappers.compactMap { name in
      guard let value = found[name], let items = pickle.items(value) else { return nil }
      let isState = items.contains { item in
        switch item.value {
        case .tensor: true
        case .dictionary: pickle.text(item.key).map(Self.wrappers.contains) ?? false
        default: false
        }
      }
      return isState ? (name, value) : nil
    }
  }

  /// Collects the tensors; other values do not belong to the network.
  private mutating func collect(_ value: PickleValue) throws(CheckpointError) {
    var tensors: [String: Int] = [:]
    var placeholders: [String: PickleValue] = [:]
    for item in pickle.items(value) ?? [] {
      guard case .tensor(let index) = item.value else {
        // Something else replaces a tensor here, as later keys replace earlier ones.
        guard let name = pickle.text(item.key) else { continue }
        tensors[name] = nil
        placeholders[name] = pickle.className(item.value) == nil ? nil : item.value
        continue
      }
      guard let name = pickle.text(item.key) else {
        throw .unsupported(
          "the state dict has a tensor whose name is not a string of at most "
            + "\(PickleLimits.nameByteCount) bytes")
      }
      tensors[name] = index
      placeholders[name] = nil
    }
    try check(placeholders)
    guard !tensors.isEmpty else { throw noTensor(in: value) }
    var byteCount = 0
    let limit =
      pickle.bytes.count * PickleLimits.sharing + PickleLimits.sharedByteAllowance
    for (name, index) in tensors.sorted(by: { $0.key < $1.key }) {
      let entry = entry(name, pickle.tensors[index])
      // Neither overflows: shapes are checked, and the sum stops at the limit.
      let size = entry.elementCount * entry.type.byteCount
      guard size <= limit - byteCount else {
        throw .overLimit(
          what: "bytes of tensors that share \(pickle.bytes.count) bytes of file",
          value: byteCount.addingReportingOverflow(size).overflow ? .max : byteCount + size,
          limit: limit)
      }
      byteCount += size
      entries.append(entry)
    }
  }

  /// Last parts of the names of parameters, where nothing but a tensor may be.
  private static let parameters: Set<Substring> = [
    "weight", "bias", "running_mean", "running_var", "gamma", "beta",
  ]

  /// Throws for an object of an unknown class where the network needs a tensor.
  private func check(_ placeholders: [String: PickleValue]) throws(CheckpointError) {
    let needed = placeholders.filter {
      Self.parameters.contains($0.key.split(separator: ".").last ?? "")
    }
    guard let (name, value) = needed.min(by: { $0.key < $1.key }) else { return }
    var offset = 0
    if case .object(let index) = value { offset = pickle.objects[index].offset }
    throw .tensor(
      name: name, offset: offset,
      reason: "it is a \(pickle.className(value) ?? ""), of which the numbers cannot be read; "
        + "save plain tensors, in Python: {name: torch.as_tensor(value) for each}")
  }

  private static func noState(_ pickle: Pickle, under value: PickleValue) -> CheckpointError {
    guard let name = pickle.className(value) else {
      return .unsupported("the file holds no state dict (a dictionary of names and tensors)")
    }
    return .unsupported(
      "the file holds no state dict but a whole object, \(name); \(saveState)")
  }

  private static let saveState =
    "save its state dict, in Python: torch.save(torch.load(\"model.pt\", weights_only=False)"
    + ".state_dict(), \"model.pth\")"

  /// Names the objects that may be what the tensors are in.
  private func noTensor(in value: PickleValue) -> CheckpointError {
    let objects = (pickle.items(value) ?? []).compactMap { item -> String? in
      guard let name = pickle.text(item.key), let found = pickle.className(item.value) else {
        return nil
      }
      return "\(name.prefix(40)) is a \(found)"
    }
    guard !objects.isEmpty else { return .unsupported("the file's state dict holds no tensor") }
    let shown = objects.prefix(3).joined(separator: ", ")
    return .unsupported(
      "the file's state dict holds no tensor (\(shown)\(objects.count > 3 ? ", …" : "")); of a whole "
        + "model save the state dict, in Python: torch.save(model.state_dict(), \"model.pth\")")
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
