extension Graph {
  /// Finds the nodes whose output a name stands for: the node of that name or, for a module such as
  /// `layer4` or `layer3.0`, those of its nodes that others read, which usually is one.
  ///
  /// The input cannot be named. Names of nodes that PyTorch exported to ONNX
  /// (`/layer4/layer4.1/relu/Relu`) belong to modules too.
  package func outputs(named name: String) -> [NodeID] {
    if let id = nodes.dropFirst().firstIndex(where: { $0.name == name }) { return [id] }
    let module = Self.path(name)
    guard !module.isEmpty else { return [] }
    let isInside = nodes.map { Self.path($0.name).starts(with: module) }
    var isRead = [Bool](repeating: false, count: nodes.count)
    isRead[output] = true
    for (id, node) in nodes.enumerated() where !isInside[id] {
      for input in node.inputs { isRead[input] = true }
    }
    return nodes.indices.dropFirst().filter { isInside[$0] && isRead[$0] }
  }

  /// Returns the names of the nodes and modules right inside of the innermost module that has some
  /// part of a name, and that module's name, which is empty for the whole network.
  package func names(around name: String) -> (module: String, names: [String]) {
    let paths = nodes.dropFirst().map { Self.path($0.name) }
    var module = Self.path(name)
    func isInside(_ path: [Substring]) -> Bool {
      path.count > module.count && path.starts(with: module)
    }
    while !module.isEmpty, !paths.contains(where: isInside) { module.removeLast() }
    var names: [String] = []
    var known: Set<String> = []
    for path in paths where isInside(path) {
      let name = path.prefix(module.count + 1).joined(separator: ".")
      if known.insert(name).inserted { names.append(name) }
    }
    return (module.joined(separator: "."), names)
  }

  /// Splits a name into modules, one inside of the other.
  ///
  /// In names with slashes, a module that is an element of the one before it repeats that one's
  /// name: `/layer4/layer4.1/relu/Relu` is `layer4`, `1`, `relu`, `Relu`.
  private static func path(_ name: String) -> [Substring] {
    var parts: [Substring] = []
    for part in name.split(separator: "/") {
      if let last = parts.last, part.hasPrefix(last + ".") { parts.removeLast() }
      parts.append(part)
    }
    return parts.flatMap { $0.split(separator: ".") }
  }
}
