import ResNet

/// What comes after the last stage: pooling, and a classifier of any name.
extension NetworkBuilder {
  /// A classifier's module that has tensors.
  private struct Module {
    /// Under the head's name; empty if the head is the module itself.
    let path: String
    let position: Int?
  }

  /// Modules of a classifier.
  private static let moduleLimit = 64

  mutating func appendHead() throws(CheckpointError) {
    let head = try head()
    let modules = try modules(of: head)
    try checkPoolsPlace(head, modules)
    try leaveOut(otherModules, than: head, inputs: inputCount(of: head, modules))
    if let exponent = poolingExponent {
      try appendGeneralizedMean(exponent)
    } else {
      try choosePooling(inputs: inputCount(of: head, modules), head)
      try appendGlobalPooling(pooling == .max ? "maxpool.global" : "avgpool", pooling ?? .avg)
    }
    var isLinear = false
    var last: Int?
    for module in modules {
      let name = module.path.isEmpty ? head : "\(head).\(module.path)"
      // A place without tensors after a linear layer is its activation, a second one dropout.
      if isLinear, modules.count > 1, !isSlopes(name),
        module.position == nil || module.position != last.map({ $0 + 1 })
      {
        try appendHeadActivation("\(name).before")
        isLinear = false
      }
      last = module.position
      switch try append(name, isOnly: modules.count == 1) {
      case .linear: isLinear = true
      case .normalization: break
      case .activation: isLinear = false
      }
    }
  }

  /// Refuses a classifier in which something computes before the pool, which comes first here.
  private mutating func checkPoolsPlace(
    _ head: String, _ modules: [Module]
  ) throws(CheckpointError) {
    guard let first = modules.first, modules.count > 1, let position = first.position else {
      return
    }
    let name = "\(head).\(first.path)"
    let exponent = poolingExponent?.split(separator: ".").dropLast().last.flatMap { Int($0) }
    let isConvolution = tensors.shape("\(name).weight")?.count == 4
    guard isConvolution && position == 0 || exponent ?? position > position else {
      // An activation, a pool and Flatten have room there.
      if position == 0, let next = modules[1].position, next > Self.placesOfPool {
        assume("the pool comes before the classifier's module \(name)")
      }
      return
    }
    throw .unsupported(
      "the classifier begins with \(name), before its pool or after it, which tensors do not tell; "
        + "export the network as ONNX")
  }

  /// Modules without tensors after which a pool is unlikely: an activation and dropout.
  private static let placesOfPool = 2

  // MARK: Which module

  private static let bodyNames: Set<Substring> = [
    "conv1", "conv2", "conv3", "bn1", "bn2", "bn3", "norm", "maxpool",
  ]

  /// Returns the name of the module that is the classifier: the one that is not of the body.
  private mutating func head() throws(CheckpointError) -> String {
    let exponent = poolingExponent
    let names = tensors.parameters.keys.filter { name in
      let root = name.prefix { $0 != "." }
      return !Self.bodyNames.contains(root) && !root.hasPrefix("layer")
        && root != lastNormalization ?? "" && root != stemSlopes ?? "" && name != exponent
    }
    var roots = Set(names.map { String($0.prefix { $0 != "." }) })
    if var stated = variant.head {
      // Names are translated where there is no doubt.
      if ParameterNames.isClassifier(stated), !roots.contains(stated) { stated = "fc" }
      guard names.contains(where: { $0.hasPrefix("\(stated).") }) else {
        throw .variant(
          "the file has no module \"\(stated.prefix(60))\" outside of the network's body; it has "
            + (roots.isEmpty ? "none" : roots.sorted().prefix(8).joined(separator: ", ")))
      }
      otherModules = names.filter { !$0.hasPrefix("\(stated).") }
      return stated
    }
    if roots.contains("fc") { roots = ["fc"] }
    guard let root = roots.first else { throw .unsupported("no classifier (fc.weight)") }
    guard roots.count == 1 else {
      throw .variant(
        "any of the modules \(roots.sorted().prefix(8).joined(separator: ", ")) may be the "
          + "classifier; say which (--arch head=NAME)")
    }
    // Down to where it parts.
    var path = root
    for _ in 0..<Self.moduleLimit {
      let inside = Set(
        names.filter { $0.hasPrefix("\(path).") }
          .map { $0.dropFirst(path.count + 1) }.map { String($0.prefix { $0 != "." }) })
      guard inside.count == 1, let only = inside.first, !Self.leaves.contains(only),
        Int(only) == nil
      else { break }
      path += ".\(only)"
    }
    return path
  }

  /// Passes over tensors outside of the classifier that was named.
  ///
  /// Throws for those of a module that may stand between the pool and the classifier.
  private mutating func leaveOut(
    _ names: [String], than head: String, inputs: Int?
  ) throws(CheckpointError) {
    let roots = Dictionary(grouping: names) { String($0.prefix { $0 != "." }) }
    // A moving average's copies are of the whole network.
    for (root, names) in roots.sorted(by: { $0.key < $1.key }) where !root.hasPrefix("ema") {
      let outputs = names.sorted().compactMap { name in
        tensors.shape(name).flatMap { $0.count >= 2 ? $0[0] : nil }
      }
      // Another classifier ends in other numbers than this one takes.
      guard let last = outputs.last, last != inputs else {
        throw .variant(
          "module \(root.prefix(60)) may stand between the pool and the classifier \(head.prefix(60)), "
            + "and its place is not known: export the network as ONNX")
      }
    }
    guard !roots.isEmpty else { return }
    passedOver.formUnion(names)
    assume(
      "\(roots.keys.sorted().prefix(8).joined(separator: ", ")) \(roots.count == 1 ? "is" : "are") no "
        + "part of the way to the classifier \(head) (--arch head=…)")
  }

  private static let leaves: Set<String> = ["weight", "bias", "running_mean", "running_var"]

  /// Returns the head's modules in order.
  private func modules(of head: String) throws(CheckpointError) -> [Module] {
    if tensors.shape("\(head).weight") != nil { return [Module(path: "", position: nil)] }
    let prefix = "\(head)."
    let paths = Set(
      tensors.parameters.keys.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".weight") }
        .map { String($0.dropFirst(prefix.count).dropLast(".weight".count)) })
    guard !paths.isEmpty, paths.count <= Self.moduleLimit else {
      throw .unsupported(
        "\(paths.count) layers with weights in the classifier \(head), at most \(Self.moduleLimit) are "
          + "read; export the network as ONNX, or say which module is its classifier (--arch head=NAME)"
      )
    }
    func numbers(_ path: String) -> [Int] { path.split(separator: ".").compactMap { Int($0) } }
    // A single layer at any place: those before it have no tensors.
    guard
      paths.count == 1 || paths.allSatisfy({ numbers($0).count == $0.split(separator: ".").count })
    else {
      if let chain = chain(of: paths, in: head) {
        return chain.map { Module(path: $0, position: nil) }
      }
      throw .unsupported(
        "the classifier \(head) is made of \(paths.sorted().prefix(6).joined(separator: ", ")), "
          + "whose order is not known; export the network as ONNX, or, if one of them alone is the "
          + "classifier, name it (--arch head=\(head).NAME)")
    }
    return paths.sorted { numbers($0).lexicographicallyPrecedes(numbers($1)) }
      .map { path in
        let place = numbers(path)
        return Module(path: path, position: place.count == 1 ? place[0] : nil)
      }
  }

  /// Returns named linear layers in the only order in which each takes what the one before gives; nil
  /// if there is none or another.
  private func chain(of paths: Set<String>, in head: String) -> [String]? {
    let sides = paths.sorted().compactMap { path -> (path: String, outputs: Int, inputs: Int)? in
      guard let shape = tensors.shape("\(head).\(path).weight"), shape.count == 2 else {
        return nil
      }
      return (path, shape[0], shape[1])
    }
    guard sides.count == paths.count, sides.count <= Self.namedModuleLimit else { return nil }
    var found: [[String]] = []
    func extend(_ chain: [String], from width: Int?) {
      guard found.count < 2 else { return }
      guard chain.count < sides.count else { return found.append(chain) }
      for side in sides where !chain.contains(side.path) && side.inputs == width ?? side.inputs {
        extend(chain + [side.path], from: side.outputs)
      }
    }
    extend([], from: nil)
    return found.count == 1 ? found[0] : nil
  }

  /// Named modules of a classifier whose orders are tried.
  private static let namedModuleLimit = 6

  // MARK: Layers

  /// Returns the numbers that the head's first layer takes.
  private func inputCount(of head: String, _ modules: [Module]) -> Int? {
    guard let first = modules.first else { return nil }
    let shape = tensors.shape(
      first.path.isEmpty ? "\(head).weight" : "\(head).\(first.path).weight")
    return shape.flatMap { $0.count == 1 ? $0[0] : $0.count >= 2 ? $0[1] : nil }
  }

  /// Module that is the head in fastai's networks, whose body is module 0.
  private static let fastaiHead = "1"

  /// Refuses a classifier that takes twice the channels if nothing says of what they are.
  private mutating func choosePooling(inputs: Int?, _ head: String) throws(CheckpointError) {
    let channels = outputShape.channels
    guard inputs == 2 * channels, pooling == nil else { return }
    guard head == Self.fastaiHead else {
      throw .variant(
        "the classifier takes \(2 * channels) numbers, twice the \(channels) channels of the last "
          + "map: their means and maxima; say in which order (--arch pool=avg+max as timm's "
          + "catavgmax, or pool=max+avg as fastai)")
    }
    pooling = .maxAvg
    assume(
      "the classifier takes each channel's maximum, then each one's mean, as after fastai's "
        + "AdaptiveConcatPool2d (--arch pool=…)")
  }

  private mutating func appendHeadActivation(_ name: String) throws(CheckpointError) {
    if variant.headActivation == nil {
      assume(
        "ReLU stands between the classifier's linear layers (--arch head-activation=…)")
    }
    try append(name, variant.headActivation ?? .relu)
  }

  /// Whether a module has a weight alone, of one dimension, as learned slopes have.
  private func isSlopes(_ name: String) -> Bool {
    tensors.shape("\(name).weight")?.count == 1 && tensors.shape("\(name).bias") == nil
      && tensors.shape("\(name).running_mean") == nil
  }

  /// Kind of a layer.
  private enum Layer {
    case linear, normalization, activation
  }

  /// Appends a layer; returns what it is.
  private mutating func append(_ name: String, isOnly: Bool) throws(CheckpointError) -> Layer {
    guard let entry = tensors.parameters["\(name).weight"] else {
      throw .unsupported("no tensor \(name).weight")
    }
    let shape = entry.shape
    if shape.count == 1 {
      if tensors.shape("\(name).running_mean") != nil {
        try append(
          name, .batchNormalization(BatchNormalization(epsilon: variant.epsilon ?? 1e-5)))
      } else {
        guard tensors.shape("\(name).bias") != nil else {
          // One number, or where the whole network has such: no normalisation has one for all.
          if shape == [1] && outputShape.channels > 1 || usesSlopes {
            try appendSlopes(name, name)
            return .activation
          }
          throw .unsupported(
            "module \(name) of the classifier has a weight alone (shape \(shape)), as PReLU of a "
              + "slope for each number and normalisations without a bias have; export the network as ONNX"
          )
        }
        try append(
          "\(name).normal",
          .normalization(SampleNormalization(.channels, epsilon: variant.epsilon ?? 1e-5)))
        try appendScale(name)
      }
      return .normalization
    }
    guard shape.count == 2 || shape.count == 4 && shape[2...] == [1, 1] else {
      throw .tensor(
        name: entry.name, offset: entry.offset,
        reason: "shape \(shape) is not that of a classifier's layer, [classes, features]")
    }
    var linear = Linear(outputs: shape[0])
    linear.hasBias = tensors.shape("\(name).bias") != nil
    // The one layer of a classifier has the name that all programs know.
    let node = isOnly ? "fc" : name
    try append(node, .linear(linear))
    take("\(node).weight", from: .stored("\(name).weight"))
    if linear.hasBias, node != name { take("\(node).bias", from: .stored("\(name).bias")) }
    return .linear
  }
}
