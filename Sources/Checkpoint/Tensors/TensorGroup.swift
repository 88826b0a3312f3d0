/// The tensors of one dictionary of a file, any of which may be a network's.
struct TensorGroup: Sendable {
  /// An object of an unknown class where a tensor might be.
  struct Placeholder: Sendable {
    let className: String
    /// Why the numbers of an array cannot be read, continuing "an array"; nil for other objects.
    var arrayFault: String?
    /// Offset in the file of what makes it.
    let offset: Int

    /// Expression of Python that makes a plain tensor of it.
    var plain: String {
      if className.hasSuffix("_rebuild_qtensor") { return "value.dequantize()" }
      if className.hasSuffix("_rebuild_sparse_tensor") { return "value.to_dense()" }
      return "torch.as_tensor(value).float()"
    }
  }

  /// Names of the dictionaries around it, joined by dots; empty for the outermost.
  let path: String
  /// Tensors in any order, of different names.
  let entries: [TensorEntry]
  private(set) var placeholders: [String: Placeholder] = [:]

  init(path: String = "", entries: [TensorEntry], placeholders: [String: Placeholder] = [:]) {
    (self.path, self.entries, self.placeholders) = (path, entries, placeholders)
  }

  /// Puts the tensors of several dictionaries together, under the names of these and their own; nil for
  /// a single one, and if two get the same name.
  init?(joining groups: [TensorGroup]) {
    guard groups.count > 1 else { return nil }
    func full(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
    var names: Set<String> = []
    var entries: [TensorEntry] = []
    var placeholders: [String: Placeholder] = [:]
    for group in groups {
      for entry in group.entries {
        let entry = entry.named(full(group.path, entry.name))
        guard names.insert(entry.name).inserted else { return nil }
        entries.append(entry)
      }
      for (name, found) in group.placeholders { placeholders[full(group.path, name)] = found }
    }
    self.init(entries: entries, placeholders: placeholders)
  }

  /// Last parts of the names of parameters, where nothing but a tensor may be.
  static let parameters: Set<Substring> = [
    "weight", "bias", "running_mean", "running_var", "gamma", "beta", "p",
  ]

  /// Returns whether a name is that of a parameter, whatever stands under it.
  static func isParameter(_ name: String) -> Bool {
    parameters.contains(name.split(separator: ".").last ?? "")
  }

  /// Throws for an object where the network needs a tensor.
  func checkPlaceholders(under prefix: String) throws(CheckpointError) {
    let needed = placeholders.filter { $0.key.hasPrefix(prefix) && Self.isParameter($0.key) }
    guard let (name, found) = needed.min(by: { $0.key < $1.key }) else { return }
    let names = Set(entries.map(\.name) + Array(placeholders.keys))
    if let remedy = OtherWeights.remedy(for: names) { throw .unsupported(remedy) }
    let kind =
      found.arrayFault.map { "it is an array of NumPy \($0)" }
      ?? "it is \(found.className), of which the numbers cannot be read"
    throw .tensor(
      name: name, offset: found.offset,
      reason:
        "\(kind); save plain tensors of single precision, in Python: {name: \(found.plain) for each}"
    )
  }

  /// Throws if tensors that share bytes take far more memory than the file has.
  func checkByteCount(of bytes: ModelBytes) throws(CheckpointError) {
    let limit = bytes.count * PickleLimits.sharing + PickleLimits.sharedByteAllowance
    var byteCount = 0
    for entry in entries {
      // Neither overflows: shapes are checked, and the sum stops at the limit.
      let size = entry.elementCount * entry.type.byteCount
      guard size <= limit - byteCount else {
        throw .overLimit(
          what: "bytes of tensors that share \(bytes.count) bytes of file",
          value: byteCount.addingReportingOverflow(size).overflow ? .max : byteCount + size,
          limit: limit)
      }
      byteCount += size
    }
  }
}
