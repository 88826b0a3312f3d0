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
      guard case .dictionary = value else {
        throw .unsupported("the file holds no state dict (a dictionary of names and tensors)")
      }
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
    for item in pickle.items(value) ?? [] {
      guard case .tensor(let index) = item.value else {
        // Something else replaces a tensor here, as later keys replace earlier ones.
        if let name = pickle.text(item.key) { tensors[name] = nil }
        continue
      }
      guard let name = pickle.text(item.key) else {
        throw .unsupported(
          "the state dict has a tensor whose name is not a string of at most "
            + "\(PickleLimits.nameByteCount) bytes")
      }
      tensors[name] = index
    }
    guard !tensors.isEmpty else { throw .unsupported("the file's state dict holds no tensor") }
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

  private func entry(_ name: String, _ tensor: Pickle.Tensor) -> TensorEntry {
    let type = pickle.storages[tensor.storage].type
    let start = contents.storageStarts[tensor.storage]
    let first = start + tensor.elements.lowerBound * type.byteCount
    let end = start + tensor.elements.upperBound * type.byteCount
    return TensorEntry(
      name: name, type: type, shape: tensor.shape, strides: tensor.strides, range: first..<end)
  }
}
