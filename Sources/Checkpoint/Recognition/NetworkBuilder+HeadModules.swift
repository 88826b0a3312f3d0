/// Which modules of a network, whose names are any, are its classifier, and in what order.
extension NetworkBuilder {
  /// Modules of a classifier.
  private static let moduleLimit = 64

  private static let bodyNames: Set<Substring> = [
    "conv1", "conv2", "conv3", "bn1", "maxpool",
  ]

  /// Whether the outermost part of a name is that of a module of the body; a normalisation after the
  /// last block and a second or third one stand there only if the body has a place for them.
  private func isOfBody(_ root: Substring) -> Bool {
    if root == "bn2" || root == "bn3" {
      return tensors.shape("conv\(root.dropFirst(2)).weight") != nil
    }
    let isStage = root.hasPrefix("layer") && Int(root.dropFirst("layer".count)) != nil
    return isStage || Self.bodyNames.contains(root)
      || root == lastNormalization ?? "" || root == stemSlopes ?? ""
  }

  /// Returns the name of what is the classifier, that is not of the body, and its modules in order.
  mutating func head() throws(CheckpointError) -> (name: String, modules: [HeadModule]) {
    let exponent = poolingExponent
    let names = tensors.parameters.keys.filter { name in
      !isOfBody(name.prefix { $0 != "." }) && name != exponent
    }
    var roots = Set(names.map { String($0.prefix { $0 != "." }) })
    if var stated = variant.head {
      // Names are translated where there is no doubt.
      if !names.contains(where: { $0.hasPrefix("\(stated).") }) {
        stated =
          tensors.module(namedInFile: stated)
          ?? (ParameterNames.isClassifier(stated) ? "fc" : stated)
      }
      guard names.contains(where: { $0.hasPrefix("\(stated).") }) else {
        throw .variant(
          "the file has no module \"\(stated.prefix(60))\" outside of the network's body; it has "
            + (roots.isEmpty ? "none" : shown(roots)))
      }
      otherModules = names.filter { !$0.hasPrefix("\(stated).") }
      return (stated, try modules(of: stated))
    }
    if let mlp = Self.projection(among: names) {
      let head = shown(mlp).split(separator: ".").dropLast().joined(separator: ".")
      throw .unsupported(
        "\(head.isEmpty ? "the classifier" : head) is a projection head as in DINO, which normalises its "
          + "features between its mlp and last_layer, and no classifier; export the network as ONNX, or "
          + "take a file with a linear classifier")
    }
    if roots.count > 1, let chain = chain(ofRoots: roots, among: names) {
      assume(
        "the classifier is made of \(chain.map { shown($0.name) }.joined(separator: ", ")), in the "
          + "order that their widths leave (if one of them alone is it, export the network as ONNX)"
      )
      return (chain[0].name, chain.flatMap(\.modules))
    }
    if let error = placeless(roots, among: names) { throw error }
    if roots.contains("fc") { roots = ["fc"] }
    guard let root = roots.first else { throw Self.bodyAlone }
    guard roots.count == 1 else {
      throw .variant(
        "any of the modules \(shown(roots)) may be the classifier; say which (--arch head=NAME)")
    }
    let path = Self.path(ofRoot: root, names)
    return (path, try modules(of: path))
  }

  /// Returns the first module of a projection head, `mlp`, which `last_layer` stands beside; nil if there
  /// is none.
  private static func projection(among names: some Sequence<String>) -> String? {
    /// The module around the first one of a name; nil if the tensor is in none of that name.
    func parent(of module: String, in tensor: String) -> Substring? {
      let parts = tensor.split(separator: ".").dropLast()
      return parts.first { $0 == module[...] }.map { tensor[..<$0.startIndex] }
    }
    let mlps = Set(names.compactMap { parent(of: "mlp", in: $0) })
    guard !mlps.isEmpty else { return nil }
    let lasts = Set(names.compactMap { parent(of: "last_layer", in: $0) })
    return mlps.intersection(lasts).min().map { $0 + "mlp" }
  }

  /// Returns the name of a module, or of the one inside of it where it parts.
  private static func path(ofRoot root: String, _ names: some Sequence<String>) -> String {
    var path = root
    for _ in 0..<moduleLimit {
      let inside = Set(
        names.filter { $0.hasPrefix("\(path).") }
          .map { $0.dropFirst(path.count + 1) }.map { String($0.prefix { $0 != "." }) })
      guard inside.count == 1, let only = inside.first, !leaves.contains(only), Int(only) == nil
      else { break }
      path += ".\(only)"
    }
    return path
  }

  /// Returns the first names that modules have in the file, with commas between.
  private func shown(_ modules: Set<String>) -> String {
    modules.map(shown).sorted().prefix(8).joined(separator: ", ")
  }

  private static let bodyAlone = CheckpointError.unsupported(
    "no classifier (fc.weight): the file is the body of a network alone; save it with its classifier, "
      + "or export it as ONNX, whose outputs are then its features (--activation none)")

  /// Passes over tensors outside of the classifier that was named.
  ///
  /// Throws for those of a module that may stand between the pool and the classifier.
  mutating func leaveOut(
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
          "module \(shown(root).prefix(60)) may stand between the pool and the classifier "
            + "\(shown(head).prefix(60)), and its place is not known: export the network as ONNX")
      }
    }
    guard !roots.isEmpty else { return }
    passedOver.formUnion(names)
    assume(
      "\(shown(Set(roots.keys))) \(roots.count == 1 ? "is" : "are") no part of the way to the "
        + "classifier \(shown(head)) (--arch head=…)")
  }

  private static let leaves: Set<String> = ["weight", "bias", "running_mean", "running_var"]

  /// Returns the head's modules in order.
  private func modules(of head: String) throws(CheckpointError) -> [HeadModule] {
    // A batch normalisation may have statistics alone.
    if ["weight", "running_mean"].contains(where: { tensors.shape("\(head).\($0)") != nil }) {
      return [HeadModule(name: head, place: [])]
    }
    let prefix = "\(head)."
    let paths = Set(
      tensors.parameters.keys.compactMap { name -> String? in
        guard let dot = name.lastIndex(of: "."), name[..<dot].hasPrefix(prefix),
          [".weight", ".running_mean"].contains(name[dot...])
        else { return nil }
        return String(name[..<dot].dropFirst(prefix.count))
      })
    guard !paths.isEmpty, paths.count <= Self.moduleLimit else {
      throw .unsupported(
        "\(paths.count) layers with weights in the classifier \(shown(head)), at most "
          + "\(Self.moduleLimit) are read; export the network as ONNX, or say which module is its "
          + "classifier (--arch head=NAME)")
    }
    func numbers(_ path: String) -> [Int] { path.split(separator: ".").compactMap { Int($0) } }
    // A single layer at any place: those before it have no tensors.
    guard
      paths.count == 1 || paths.allSatisfy({ numbers($0).count == $0.split(separator: ".").count })
    else {
      if let chain = chain(of: paths.map { "\(head).\($0)" }) {
        return chain.map { HeadModule(name: $0, place: []) }
      }
      throw .unsupported(
        "the classifier \(shown(head)) is made of "
          + "\(paths.sorted().prefix(6).joined(separator: ", ")), whose order is not "
          + "known; export the network as ONNX, or, if one of them alone is the classifier, name it (--arch head=\(shown(head)).NAME)"
      )
    }
    return paths.sorted { numbers($0).lexicographicallyPrecedes(numbers($1)) }
      .map { HeadModule(name: "\(head).\($0)", place: numbers($0)) }
  }

  /// A module beside others that may follow it: a layer, or several in a Sequential.
  private struct Link {
    let name: String
    let modules: [HeadModule]
    let inputs: Int
    let outputs: Int
    let hasLinear: Bool
  }

  /// Returns the modules beside the body in the order in which they are one classifier, or nil if they
  /// may as well be several: two that take as many numbers may stand side by side.
  private func chain(ofRoots roots: Set<String>, among names: [String]) -> [Link]? {
    guard roots.count <= Self.namedModuleLimit else { return nil }
    let links = roots.sorted().compactMap { root -> Link? in
      let path = Self.path(ofRoot: root, names)
      return (try? modules(of: path)).flatMap { link(path, $0) }
    }
    guard links.count == roots.count, let chain = chain(of: links) else { return nil }
    let linear = chain.filter(\.hasLinear)
    // What the first takes is what the pool gives.
    guard let first = linear.first,
      !linear.dropFirst().contains(where: { $0.inputs == first.inputs }),
      chain.last?.hasLinear == true
    else { return nil }
    return chain
  }

  /// Returns the error for normalisations and slopes in modules of their own whose place in what would
  /// be a classifier without them is not known; nil if there are none.
  private func placeless(_ roots: Set<String>, among names: [String]) -> CheckpointError? {
    guard roots.count <= Self.namedModuleLimit else { return nil }
    // Other single numbers are no part of a classifier's widths.
    let widths = Set(names.compactMap { tensors.shape($0) }.filter { $0.count == 2 }.joined())
    let loose = roots.filter { root in
      guard let modules = try? modules(of: Self.path(ofRoot: root, names)) else { return false }
      return modules.allSatisfy { module in
        let width = width(ofNormalization: module.name)
        let slopes = tensors.shape("\(module.name).weight")
        return width.map(widths.contains)
          ?? (isSlopes(module.name)
            && (slopes == [1] || slopes.map { widths.contains($0[0]) } == true))
      }
    }
    let others = roots.subtracting(loose)
    guard !loose.isEmpty, !others.isEmpty else { return nil }
    // One number beside a single layer may be anything.
    let isPlaceless =
      others.count == 1
      ? loose.contains { tensors.shape("\($0).weight") != [1] }
      : chain(ofRoots: others, among: names) != nil
    guard isPlaceless else { return nil }
    return .unsupported(
      "\(shown(loose)), \(loose.count == 1 ? "a module" : "modules") of normalisation or learned "
        + "slopes, may stand anywhere before, between or after the layers of \(shown(others)), which "
        + "would be the classifier; export the network as ONNX")
  }

  /// Returns linear layers and normalisations in the only order in which each takes what the one
  /// before gives; nil if there is none or another.
  private func chain(of names: [String]) -> [String]? {
    let links = names.sorted().compactMap { link($0, [HeadModule(name: $0, place: [])]) }
    guard links.count == names.count else { return nil }
    return chain(of: links)?.map(\.name)
  }

  /// Returns a link of modules that follow each other; nil if one of them is none that has sides, or
  /// takes other numbers than the one before gives. Learned slopes have as many as that.
  private func link(_ name: String, _ modules: [HeadModule]) -> Link? {
    var width: (inputs: Int, outputs: Int)?
    var hasLinear = false
    for module in modules {
      let sides: (inputs: Int, outputs: Int)
      if let width = self.width(ofNormalization: module.name) {
        sides = (width, width)
      } else if isSlopes(module.name), let before = width?.outputs {
        // Slopes follow what has a width: one for each number, or one for all.
        sides = (before, before)
      } else if let shape = tensors.shape("\(module.name).weight"), shape.count == 2 {
        sides = (shape[1], shape[0])
        hasLinear = true
      } else {
        return nil
      }
      guard width == nil || width?.outputs == sides.inputs else { return nil }
      width = (width?.inputs ?? sides.inputs, sides.outputs)
    }
    guard let width else { return nil }
    var modules = modules
    modules[0].startsModule = true
    return Link(
      name: name, modules: modules, inputs: width.inputs, outputs: width.outputs,
      hasLinear: hasLinear)
  }

  private func chain(of links: [Link]) -> [Link]? {
    guard links.count <= Self.namedModuleLimit else { return nil }
    var found: [[Link]] = []
    func extend(_ chain: [Link], from width: Int?) {
      guard found.count < 2 else { return }
      guard chain.count < links.count else { return found.append(chain) }
      for link in links
      where !chain.contains(where: { $0.name == link.name }) && link.inputs == width ?? link.inputs
      {
        extend(chain + [link], from: link.outputs)
      }
    }
    extend([], from: nil)
    return found.count == 1 ? found[0] : nil
  }

  /// Named modules of a classifier whose orders are tried.
  private static let namedModuleLimit = 6
}
