import ResNet

/// A file's tensors by meaning: parameters under canonical names, and golden samples.
struct NamedTensors {
  private(set) var parameters: [String: TensorEntry] = [:]
  /// Magnitudes of parameters that are directions (`WeightNormalization`), by their canonical names.
  private(set) var magnitudes: [String: TensorEntry] = [:]
  /// Tensors `golden.N.image` and `golden.N.logits`, by full name.
  private(set) var golden: [String: TensorEntry] = [:]
  /// Tensors of a last layer before a lesson (`FormerHead`), by full name.
  private(set) var former: [String: TensorEntry] = [:]
  /// Whether the classifier is named as in akamaster/pytorch_resnet_cifar10.
  private(set) var hasLinearClassifier = false
  /// Whether the first layers are named as in Cadene/pretrained-models.pytorch, whose networks come
  /// from Caffe.
  private(set) var isOfCaffe = false

  /// Facts about what was passed over, a sentence each.
  var notes: [String] = []
  /// Mean and deviation by which the network would normalise its input itself.
  var normalization: StoredNormalization?

  /// Takes tensors under their own names.
  ///
  /// - Parameter asNamed: Whether names are those of a graph in the file, which may be any and must
  ///   not be translated.
  init(_ entries: [TensorEntry], asNamed: Bool = false) throws(CheckpointError) {
    try self.init(entries.map { ($0.name[...], $0) }, asNamed: asNamed)
  }

  /// Takes tensors under the names that are left of theirs without a prefix.
  ///
  /// Throws if two tensors mean the same parameter, or one has no floating-point numbers.
  init(
    _ entries: [(name: Substring, entry: TensorEntry)], asNamed: Bool = false
  ) throws(CheckpointError) {
    let normalized = WeightNormalization(asNamed ? [] : entries.map(\.name))
    let places = Dictionary(
      entries.map { ($0.name, $0.entry) }, uniquingKeysWith: { first, _ in first })
    let passed = Set(normalized.magnitudes.values)
    for (given, entry) in entries where !passed.contains(given) {
      // No parameter's name ends like that of a sample.
      if given.hasPrefix("golden."),
        !asNamed || given.hasSuffix(".image") || given.hasSuffix(".logits")
      {
        golden[String(given)] = entry
        continue
      }
      if [FormerHead.weightName, FormerHead.biasName].contains(String(given)) {
        former[String(given)] = entry
        continue
      }
      // PyTorch's counters of training steps change no answer.
      if given.hasSuffix("num_batches_tracked"), entry.elementCount == 1 { continue }
      guard entry.type.isFloatingPoint else {
        throw .tensor(
          name: entry.name, offset: entry.offset,
          reason:
            "its numbers are \(entry.type.rawValue), a parameter's are F16, BF16, F32 or F64; if it is "
            + "none, save the file without it, else with it as floating-point numbers (in Python: tensor.float())"
        )
      }
      let own = normalized.weights[given] ?? String(given)
      let name = asNamed ? entry.name : try ParameterNames.canonical(own)
      if let other = parameters[name] {
        throw .tensor(
          name: entry.name, offset: entry.offset,
          reason: "means the same parameter (\(name)) as tensor \(other.name)")
      }
      parameters[name] = entry
      if let magnitude = normalized.magnitudes[given] { magnitudes[name] = places[magnitude] }
      if entry.name.hasSuffix("linear.weight") { hasLinearClassifier = true }
      if entry.name.hasSuffix("layer0.conv1.weight") { isOfCaffe = true }
    }
    if !asNamed {
      translate(by: ParameterNames.stemTranslations(of: entries.lazy.map(\.name)))
      translate(by: NumberedModules.translations(of: parameters.keys))
      if shape("fc.weight") == nil {
        translate(by: ParameterNames.classifierTranslations(of: parameters.keys))
      }
    }
  }

  private mutating func translate(by translations: [String: String]) {
    guard !translations.isEmpty else { return }
    func translated(_ entries: [String: TensorEntry]) -> [String: TensorEntry] {
      Dictionary(uniqueKeysWithValues: entries.map { (translations[$0.key] ?? $0.key, $0.value) })
    }
    (parameters, magnitudes) = (translated(parameters), translated(magnitudes))
  }

  /// Facts about the parameters that an operator should know.
  var warnings: [String] {
    let count = parameters.values.count { $0.type == .float64 }
    return notes
      + (magnitudes.isEmpty
        ? []
        : ["weight normalisation is merged into the weights that it is of (\(magnitudes.count))"])
      + (count == 0
        ? [] : ["\(count) tensors in double precision are narrowed to single precision"])
  }

  func shape(_ name: String) -> [Int]? { parameters[name]?.shape }

  /// Returns the name that a module has in the file; its canonical name if the file has no tensor
  /// of it.
  func nameInFile(ofModule module: String) -> String {
    let usual = Self.usualLeaves.lazy.map { "\(module).\($0)" }
    guard
      let name = usual.first(where: { parameters[$0] != nil })
        ?? parameters.keys.filter({ $0.hasPrefix("\(module).") }).min(),
      let entry = parameters[name]
    else { return module }
    let rest = name.dropFirst(module.count)
    if entry.name.hasSuffix(rest) { return String(entry.name.dropLast(rest.count)) }
    guard let own = WeightNormalization.weight(ofDirection: entry.name), own.hasSuffix(rest) else {
      return module
    }
    return String(own.dropLast(rest.count))
  }

  /// Returns the name that a parameter has in the file, or would have beside the others of its
  /// module.
  func nameInFile(of parameter: String) -> String {
    if let entry = parameters[parameter] { return entry.name }
    guard let dot = parameter.lastIndex(of: ".") else { return parameter }
    return nameInFile(ofModule: String(parameter[..<dot])) + parameter[dot...]
  }

  /// Returns the canonical name of a module by the one that it has in the file; nil if there is
  /// none, or its tensors are those of several.
  func module(namedInFile name: String) -> String? {
    let modules = Set(
      parameters.map { parameter, entry -> String? in
        let own = WeightNormalization.weight(ofDirection: entry.name) ?? entry.name
        guard own.hasPrefix("\(name).") else { return "" }
        let rest = own.dropFirst(name.count)
        return parameter.hasSuffix(rest) ? String(parameter.dropLast(rest.count)) : nil
      }
    ).subtracting([""])
    return modules.count == 1 ? modules.first ?? nil : nil
  }

  /// Last parts of the names of nearly all parameters.
  private static let usualLeaves = ["weight", "bias", "running_mean"]

  /// Returns the channels of a module that may be a normalisation, which has a number for each of them:
  /// its weights, or statistics alone.
  func width(ofNormalization name: String) -> Int? {
    let shape = shape("\(name).weight") ?? shape("\(name).running_mean")
    return shape?.count == 1 ? shape?.first : nil
  }

  /// Consecutive blocks from zero, stage by stage, at most one more than the limits allow; those
  /// after a gap are reported later as left over.
  var blockCounts: [Int] {
    var counts: [Int] = []
    while counts.count <= Architecture.stageCountLimit {
      var blocks = 0
      while blocks <= Architecture.stageBlockCountLimit,
        shape("layer\(counts.count + 1).\(blocks).conv1.weight") != nil
      { blocks += 1 }
      if blocks == 0 { break }
      counts.append(blocks)
    }
    return counts
  }
}
