import ResNet
import Words

/// Choice of a network's tensors among all that a file of another program holds.
///
/// Candidates are complete networks: the tensors of a dictionary under a dotted prefix.
///
///     state_dict ── module.conv1.weight …              "state_dict.module"
///     ema ── model.conv1.weight …, head.fc.weight …     "ema", without its "model."
///     (outermost) ── student.… , teacher.…             "student" and "teacher"
struct WeightsChoice {
  /// A tensor with what is left of its name after a prefix.
  private struct Named {
    var rest: Substring
    let entry: TensorEntry
  }

  private struct Candidate {
    let group: Int
    /// Ends in a dot, or is empty.
    var prefix: String
    /// Prefix of some of the remaining names, likewise.
    var inner = ""
    let name: String
    /// Files' ranges by remaining name, by which aliases are told.
    var content: [String: Range<Int>] = [:]
  }

  private enum Outcome { case none, withLeftovers, exact }

  /// Tensors below which nothing is a network: a convolution, its normalisation, a classifier.
  private static let leastCount = 6
  private static let depthLimit = 8
  /// Names that are examined in all, because each node of the tree of names may be a network.
  private static let examinedLimit = 16 * SafetensorsLimits.tensorCount

  private let file: TensorFile
  private let wanted: String?
  private let variant: NetworkVariant
  /// Tensors of each group that may be parameters.
  private let kept: [[TensorEntry]]
  private var candidates: [Candidate] = []
  /// The same tensors under further names.
  private var aliases: [Candidate] = []
  /// All of them.
  private var named: [Candidate] { candidates + aliases }
  private var examinedCount = 0

  /// Returns the network's tensors.
  ///
  /// - Parameter wanted: Name of one of several networks, or nil if there must be only one.
  static func tensors(
    of file: TensorFile, named wanted: String?, _ variant: NetworkVariant = NetworkVariant()
  ) throws(CheckpointError) -> NamedTensors {
    var choice = WeightsChoice(file, wanted, variant)
    choice.search()
    if let wanted, !choice.named.contains(where: { isMeant($0.name, by: wanted) }),
      let list = file.lists.first(where: { isMeant($0.path, by: wanted) })
    {
      return try tensors(of: list, in: file, variant)
    }
    var tensors = try choice.tensors()
    tensors.notes += file.lists.map(\.note)
    return tensors
  }

  /// Returns the tensors of a list, which was named, as a state dict of the file.
  private static func tensors(
    of list: NamelessTensors, in file: TensorFile, _ variant: NetworkVariant
  ) throws(CheckpointError) -> NamedTensors {
    guard let group = list.group else { throw list.misfit }
    var choice = WeightsChoice(TensorFile(file.format, file.bytes, group), nil, variant)
    choice.search()
    var tensors = try choice.tensors(of: choice.chosen())
    tensors.notes.append(list.usage)
    return tensors
  }

  /// Returns the tensors of the only network, or of the one that was named.
  private func tensors() throws(CheckpointError) -> NamedTensors {
    if candidates.isEmpty, file.isWhole, let joined = TensorGroup(joining: file.groups) {
      // Parts of one network in dictionaries of their own.
      var other = WeightsChoice(TensorFile(file.format, file.bytes, joined), wanted, variant)
      other.search()
      if !other.candidates.isEmpty {
        var tensors = try other.tensors(of: other.chosen())
        tensors.notes.append(
          "the tensors of \(file.groups.count) dictionaries are taken for those of one network")
        return tensors
      }
    }
    return try tensors(of: chosen())
  }

  private init(_ file: TensorFile, _ wanted: String?, _ variant: NetworkVariant) {
    (self.file, self.wanted, self.variant) = (file, wanted, variant)
    kept = file.groups.map { group in
      let copies = HookAverage.names(among: group.entries.map(\.name))
      let entries = group.entries.filter { SpareTensor($0) == nil && !copies.contains($0.name) }
      let names = ParameterNames.withoutWrappers(entries.map { $0.name[...] })
      return entries.map { entry in names[entry.name[...]].map { entry.named($0) } ?? entry }
    }
  }

  // MARK: Search

  private mutating func search() {
    for (index, entries) in kept.enumerated() {
      search(entries.map { Named(rest: $0.name[...], entry: $0) }, under: "", in: index, depth: 0)
    }
    guard candidates.isEmpty else { return }
    for (index, entries) in kept.enumerated() {
      searchSplit(entries.map { Named(rest: $0.name[...], entry: $0) }, in: index)
    }
  }

  /// Adds the networks among some tensors: these as they are, else those under their prefixes.
  private mutating func search(
    _ names: [Named], under prefix: String, in group: Int, depth: Int
  ) {
    guard names.count >= Self.leastCount, depth <= Self.depthLimit,
      examinedCount < Self.examinedLimit
    else { return }
    let parts = Self.parts(of: names)
    if parts.count == 1, let (part, members) = parts.first, members.count == names.count {
      return search(members, under: "\(prefix)\(part).", in: group, depth: depth + 1)
    }
    let outcome = outcome(of: names)
    let count = candidates.count
    if outcome != .exact {
      for (part, members) in parts {
        search(members, under: "\(prefix)\(part).", in: group, depth: depth + 1)
      }
    }
    if outcome == .exact || outcome == .withLeftovers && candidates.count == count {
      add(names, under: prefix, in: group)
    }
  }

  /// Adds a network whose body is under a prefix and whose classifier is outside.
  private mutating func searchSplit(_ all: [Named], in group: Int) {
    let (names, prefix) = Self.withoutCommonPrefix(all)
    var bodies: [(names: [Named], inner: String)] = []
    findBodies(names, among: names, under: "", depth: 0, &bodies)
    for body in bodies { add(body.names, under: prefix, inner: body.inner, in: group) }
  }

  /// Finds prefixes of some of the names under which there is a body, whose classifier is elsewhere.
  private mutating func findBodies(
    _ all: [Named], among names: [Named], under outer: String, depth: Int,
    _ bodies: inout [(names: [Named], inner: String)]
  ) {
    for (part, members) in Self.parts(of: names) where members.count >= Self.leastCount {
      guard examinedCount < Self.examinedLimit else { return }
      let (rest, common) = Self.withoutCommonPrefix(members)
      let inner = "\(outer)\(part).\(common)"
      let stripped = Self.stripped(all, of: inner)
      if outcome(of: stripped) != .none {
        bodies.append((stripped, inner))
      } else if depth < Self.depthLimit {
        findBodies(all, among: rest, under: inner, depth: depth + 1, &bodies)
      }
    }
  }

  private mutating func add(
    _ names: [Named], under prefix: String, inner: String = "", in group: Int
  ) {
    let path = [file.groups[group].path, String(prefix.dropLast())].filter { !$0.isEmpty }
    var candidate = Candidate(
      group: group, prefix: prefix, inner: inner,
      name: path.isEmpty ? "." : path.joined(separator: "."))
    for named in names { candidate.content[String(named.rest)] = named.entry.range }
    // The same tensors under two names are one network.
    guard !candidates.contains(where: { $0.content == candidate.content }) else {
      return aliases.append(candidate)
    }
    candidates.append(candidate)
  }

  /// Recognises a network whose tensors are all there, by shapes alone.
  private mutating func outcome(of names: [Named]) -> Outcome {
    // Long names cost more.
    for name in names { examinedCount += 1 + name.rest.utf8.count / 64 }
    guard let tensors = try? NamedTensors(names.map { ($0.rest, $0.entry) }),
      let network = try? TensorNetwork(recognizing: tensors, variant),
      let leftoverCount = network.leftoverCount(in: tensors)
    else { return .none }
    return leftoverCount == 0 ? .exact : .withLeftovers
  }

  // MARK: Names

  /// Returns the tensors by the first part of their names, without it, in order; those with one
  /// part are left out.
  private static func parts(of names: [Named]) -> [(part: Substring, members: [Named])] {
    var parts: [Substring: [Named]] = [:]
    for named in names {
      guard let dot = named.rest.firstIndex(of: ".") else { continue }
      let rest = named.rest[named.rest.index(after: dot)...]
      parts[named.rest[..<dot], default: []].append(Named(rest: rest, entry: named.entry))
    }
    return parts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Drops a prefix that some names have. Where a module beside it, of a head, has the name of one under
  /// it, that gets a name of its own.
  private static func stripped(_ names: [Named], of prefix: String) -> [Named] {
    func root(_ name: Substring) -> Substring { name.prefix { $0 != "." } }
    let inside = Set(
      names.lazy.filter { $0.rest.hasPrefix(prefix) }.map { root($0.rest.dropFirst(prefix.count)) })
    return names.map { named in
      let isInside = named.rest.hasPrefix(prefix)
      guard isInside || inside.contains(root(named.rest)) else { return named }
      let rest = isInside ? named.rest.dropFirst(prefix.count) : "beside_\(named.rest)"
      return Named(rest: rest, entry: named.entry)
    }
  }

  /// Drops the longest dotted prefix that all names have.
  private static func withoutCommonPrefix(_ names: [Named]) -> (names: [Named], prefix: String) {
    var (names, prefix) = (names, "")
    for _ in 0..<depthLimit where names.count >= leastCount {
      let parts = parts(of: names)
      guard parts.count == 1, parts[0].members.count == names.count else { break }
      prefix += "\(parts[0].part)."
      names = parts[0].members
    }
    return (names, prefix)
  }

  // MARK: Choice

  private func chosen() throws(CheckpointError) -> Candidate {
    var found = candidates
    if let wanted {
      found = named.filter { $0.name == wanted }
      if found.isEmpty { found = named.filter { Self.matches($0.name, wanted) } }
      if found.isEmpty { found = named.filter { Self.hasWord($0.name, wanted) } }
      // Several names of one network mean the same.
      if let first = found.first, found.allSatisfy({ $0.content == first.content }) {
        found = [first]
      }
    }
    if found.count > 1 {
      guard Set(found.map(\.name)).count > 1 else { throw Self.severalBodies(found.map(\.inner)) }
      throw .severalWeights(names: (wanted == nil ? named : found).map(\.name))
    }
    if let only = found.first { return only }
    // Nothing is complete: the reader says what is missing in the group that has most.
    let groups = file.groups.indices.filter { index in
      wanted.map { Self.matches(file.groups[index].path, $0) } ?? true
    }
    let largest = groups.max { (kept[$0].count, $1) < (kept[$1].count, $0) }
    guard let largest else {
      throw .noWeights(
        name: wanted ?? "",
        names: (candidates.isEmpty
          ? file.groups.map(\.path) : named.map(\.name))
          + file.lists.filter { $0.group != nil }.map(\.path))
    }
    let names = kept[largest].map { Named(rest: $0.name[...], entry: $0) }
    let path = file.groups[largest].path
    let (rest, prefix) = Self.withoutCommonPrefix(names)
    return Candidate(
      group: largest, prefix: prefix, inner: try Self.prefixOfBody(rest),
      name: path.isEmpty ? "." : path)
  }

  /// Returns the prefix of the only part that has a stem and blocks under their usual names; empty if
  /// there is none, or they have no prefix. Throws if there are several.
  private static func prefixOfBody(_ names: [Named]) throws(CheckpointError) -> String {
    let prefixes = prefixesOfBodies(names, depth: 0)
    guard prefixes.count < 2 else { throw severalBodies(prefixes) }
    return prefixes.first ?? ""
  }

  private static func prefixesOfBodies(_ names: [Named], depth: Int) -> [String] {
    parts(of: names).flatMap { part, members -> [String] in
      guard members.count >= leastCount else { return [] }
      let (rest, inner) = withoutCommonPrefix(members)
      let tensors = try? NamedTensors(rest.map { ($0.rest, $0.entry) })
      let wanted = ["conv1.weight", "layer1.0.conv1.weight"]
      if wanted.allSatisfy({ tensors?.shape($0) != nil }) { return ["\(part).\(inner)"] }
      guard depth < depthLimit else { return [] }
      return prefixesOfBodies(rest, depth: depth + 1).map { "\(part).\(inner)\($0)" }
    }
  }

  private static func severalBodies(_ prefixes: [String]) -> CheckpointError {
    let names = prefixes.map { $0.dropLast().prefix(40) }.sorted().prefix(8)
    return .unsupported(
      "several bodies of residual networks (\(names.joined(separator: ", "))) stand before one classifier; "
        + "export the network as ONNX")
  }

  /// Returns whether a name of `state_dict.ema_model` is meant by `ema_model`.
  private static func matches(_ name: String, _ wanted: String) -> Bool {
    name.isEmpty ? wanted == "." : ".\(name).".containsText(".\(wanted).")
  }

  private static func isMeant(_ name: String, by wanted: String) -> Bool {
    name == wanted || matches(name, wanted) || hasWord(name, wanted)
  }

  /// Returns whether a part of a name, such as `model_ema`, has a word of its own like `ema`.
  private static func hasWord(_ name: String, _ wanted: String) -> Bool {
    name.split { $0 == "." || $0 == "_" }.contains(wanted[...])
  }

  private func tensors(of chosen: Candidate) throws(CheckpointError) -> NamedTensors {
    let group = file.groups[chosen.group]
    try group.checkByteCount(of: file.bytes)
    try group.checkPlaceholders(under: chosen.prefix)
    var names: [Named] = []
    var outside: [TensorEntry] = []
    for entry in kept[chosen.group] {
      guard entry.name.hasPrefix(chosen.prefix) else {
        if !isOfAlias(entry, of: chosen) { outside.append(entry) }
        continue
      }
      names.append(Named(rest: entry.name.dropFirst(chosen.prefix.count), entry: entry))
    }
    if wanted == nil, let first = outside.min(by: { $0.name < $1.name }) {
      throw .tensor(
        name: first.name, offset: first.offset,
        reason: "is not read as part of the network under \(chosen.name); if it is one, export the "
          + "network as ONNX, else name the network without it (--weights \(chosen.name))")
    }
    let elsewhere = try tensors(beside: chosen)
    var tensors = try NamedTensors(
      Self.stripped(names, of: chosen.inner).map { ($0.rest, $0.entry) })
    tensors.notes += notes(on: group)
    if let first = elsewhere.first {
      tensors.notes.append(
        Self.note(elsewhere, "in other dictionaries than \(chosen.name)", first: first))
    }
    if !outside.isEmpty {
      tensors.notes.append(
        Self.note(outside, "outside of \(chosen.name)", first: outside[0]))
    }
    let own = group.entries.filter { SpareTensor($0) == .normalization }
    tensors.normalization = try StoredNormalization(
      own.filter { $0.name.hasPrefix(chosen.prefix) }, in: file.bytes)
    if tensors.normalization == nil {
      tensors.normalization = try StoredNormalization(own, in: file.bytes)
    }
    if let used = tensors.normalization {
      let others = own.filter { ![used.name, used.stdName].contains($0.name) }
      if let other = others.first {
        tensors.notes.append(Self.note(others, "with another mean or deviation", first: other))
      }
    } else if let first = own.first {
      tensors.notes.append(Self.note(own, "with a mean or deviation alone", first: first))
    }
    return tensors
  }

  /// Returns whether a tensor of the chosen network's dictionary is the same network's under another
  /// name of it.
  private func isOfAlias(_ entry: TensorEntry, of chosen: Candidate) -> Bool {
    named.contains { other in
      other.group == chosen.group && other.content == chosen.content
        && entry.name.hasPrefix(other.prefix)
        && other.content[String(entry.name.dropFirst(other.prefix.count))] == entry.range
    }
  }

  /// Returns the tensors of other dictionaries, without those of a training and of other networks.
  ///
  /// Throws for parameters, unless the network was named: they may be part of it.
  private func tensors(beside chosen: Candidate) throws(CheckpointError) -> [TensorEntry] {
    // Where nothing is complete, other errors say more.
    guard !candidates.isEmpty else { return [] }
    var found: [TensorEntry] = []
    let networks = Set(candidates.map(\.group))
    // The same tensors may stand there under another name.
    let own = Set(chosen.content.values)
    for (index, group) in file.groups.enumerated()
    where !networks.contains(index) && !StateDictionaries.isOfTraining(group.path) {
      let path = group.path.isEmpty ? "" : group.path + "."
      found += kept[index].map { $0.named(path + $0.name) }.filter {
        SpareTensor($0) == nil && !own.contains($0.range)
      }
    }
    if wanted == nil, let first = found.first(where: { TensorGroup.isParameter($0.name) }) {
      throw .tensor(
        name: first.name, offset: first.offset,
        reason:
          "is in another dictionary than the network \(chosen.name), and may be part of it; to "
          + "leave it out, name that network (--weights \(chosen.name))")
    }
    return found
  }

  /// Returns a line for each kind of tensors that are passed over.
  private func notes(on group: TensorGroup) -> [String] {
    let spare = Dictionary(grouping: group.entries) { SpareTensor($0) }
    let copyCount = HookAverage.names(among: group.entries.map(\.name)).count
    return (copyCount > 0 ? [HookAverage.note(count: copyCount)] : [])
      + SpareTensor.allCases.compactMap { kind in
        guard let words = kind.words, let entries = spare[kind], let first = entries.first else {
          return nil
        }
        return Self.note(entries, words, first: first)
      }
  }

  private static func note(
    _ entries: [TensorEntry], _ words: String, first: TensorEntry
  ) -> String {
    let subject = entries.count == 1 ? "1 tensor" : "\(entries.count) tensors"
    return "\(subject) \(words) \(entries.count == 1 ? "is" : "are") passed over "
      + "(\(first.name)\(entries.count > 1 ? ", …" : ""))"
  }
}
