/// A file's tensors by meaning: parameters under canonical names, and golden samples.
struct NamedTensors {
  private(set) var parameters: [String: TensorEntry] = [:]
  /// Tensors `golden.N.image` and `golden.N.logits`, by full name.
  private(set) var golden: [String: TensorEntry] = [:]
  /// Whether the classifier is named as in akamaster/pytorch_resnet_cifar10.
  private(set) var hasLinearClassifier = false

  /// Throws if two tensors mean the same parameter, or one has no floating-point numbers.
  ///
  /// - Parameter asNamed: Whether names are those of a graph in the file, which may be any and must
  ///   not be translated.
  init(_ entries: [TensorEntry], asNamed: Bool = false) throws(CheckpointError) {
    for entry in entries {
      // No parameter's name ends like that of a sample.
      if entry.name.hasPrefix("golden."),
        !asNamed || entry.name.hasSuffix(".image") || entry.name.hasSuffix(".logits")
      {
        golden[entry.name] = entry
        continue
      }
      // PyTorch's counters of training steps change no answer.
      if entry.name.hasSuffix("num_batches_tracked") { continue }
      guard entry.type.isFloatingPoint else {
        throw .tensor(
          name: entry.name, offset: entry.offset,
          reason: "its numbers are \(entry.type.rawValue), a parameter's are F16, BF16, F32 or F64")
      }
      let name = asNamed ? entry.name : try ParameterNames.canonical(entry.name)
      if let other = parameters[name] {
        throw .tensor(
          name: entry.name, offset: entry.offset,
          reason: "means the same parameter (\(name)) as tensor \(other.name)")
      }
      parameters[name] = entry
      if entry.name.hasSuffix("linear.weight") { hasLinearClassifier = true }
    }
  }

  /// Facts about the parameters that an operator should know.
  var warnings: [String] {
    let count = parameters.values.count { $0.type == .float64 }
    return count == 0
      ? [] : ["\(count) tensors in double precision are narrowed to single precision"]
  }

  func shape(_ name: String) -> [Int]? { parameters[name]?.shape }
}
