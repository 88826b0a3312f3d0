/// The names of weights in the parts of blocks that have several: `layer1.0.downsample`,
/// `layer1.0.se`.
///
/// Made once, so that a network of many blocks does not look through all names for each.
struct BlockParts {
  private let weights: [Substring: [Substring]]
  /// Whether a part of such a name is in any block.
  private let names: Set<Substring>
  /// Whether filters before strides have buffers.
  let hasFilters: Bool
  /// Whether such filters stand in the modules of convolutions, as in the package antialiased-cnns.
  let filtersConvolutions: Bool

  init(_ tensors: NamedTensors) {
    var weights: [Substring: [Substring]] = [:]
    var names: Set<Substring> = []
    var hasFilters = false
    var filtersConvolutions = false
    for name in tensors.parameters.keys where name.hasPrefix("layer") {
      let dots = name.indices.filter { name[$0] == "." }
      guard dots.count > 2 else { continue }
      names.insert(name[name.index(after: dots[1])..<dots[2]])
      if name.hasSuffix(".aa.filt") { hasFilters = true }
      if name.hasSuffix(".conv2.0.filt") || name.hasSuffix(".conv3.0.filt") {
        filtersConvolutions = true
      }
      let rest = name[name.index(after: dots[2])...]
      guard rest.hasSuffix(".weight") else { continue }
      weights[name[..<dots[2]], default: []].append(rest.dropLast(".weight".count))
    }
    self.weights = weights.mapValues { modules in
      modules.sorted { (Int($0) ?? .max, $0) < (Int($1) ?? .max, $1) }
    }
    (self.names, self.hasFilters) = (names, hasFilters)
    self.filtersConvolutions = filtersConvolutions
  }

  /// Returns the modules with weights in a part of a block, in order of number or name.
  func modules(of part: String) -> [String] { (weights[part[...]] ?? []).map(String.init) }

  /// Returns whether any block has a part of such a name.
  func contains(_ name: String) -> Bool { names.contains(name[...]) }
}
