import JSON

/// Labels in JSON, as other tools write them.
///
///     ["cat", "dog"]                         a list
///     {"0": "cat", "1": "dog"}               id2label
///     {"0": ["n01440764", "tench"], …}       the same with WordNet's numbers, as Keras has it
///     {"cat": 0, "dog": "1"}                 class_to_idx, label2id
///     {"id2label": {…}, …}                   a file that has one of these under its name
enum LabelDocument {
  /// Names under which a larger document has labels.
  private static let members = [
    "id2label", "label2id", "class_to_idx", "label_names", "labels", "classes", "class_names",
  ]

  /// Returns the labels, or nil if the text is not JSON but lines.
  static func labels(_ text: String, path: String) throws(CheckpointError) -> [String]? {
    let first = text.utf8.first { !($0 == 0x20 || 0x09...0x0d ~= $0) }
    guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return nil }
    try BoundedJSON.checkStructure(text, path: path)
    let tree: JSONTree
    do { tree = try unsafe JSONTree(text.utf8Span.span.bytes) } catch {
      // A line may begin like that: "[background]".
      if !path.hasSuffix(".json"), isLine(text) { return nil }
      let line = text.utf8.prefix(error.offset).count { $0 == UInt8(ascii: "\n") } + 1
      throw .labels(
        path: path, line: line,
        reason: "JSON: \(error.reason); a list or dictionary of Python is written by json.dump")
    }
    return try labels(tree.root, path: path)
  }

  /// Returns whether the first line is a word in brackets, as labels may be, rather than a JSON
  /// text with a fault.
  private static func isLine(_ text: String) -> Bool {
    let line = text.utf8.split(separator: UInt8(ascii: "\n")).first.map { Substring($0) } ?? ""
    let label = line.trimmingSpace
    return (label.hasSuffix("]") || label.hasSuffix("}"))
      && !label.dropFirst().contains { "\"[{".contains($0) }
  }

  /// Returns the labels of a value of one of the forms.
  static func labels(
    _ node: JSONNode, path: String, isInner: Bool = false
  ) throws(CheckpointError) -> [String] {
    func fail(_ reason: String) -> CheckpointError { .labels(path: path, line: 1, reason: reason) }
    if let array = node.array {
      guard !array.isEmpty else { throw fail("the JSON list is empty") }
      var items: [(index: Int, label: String)] = []
      for (index, node) in array.enumerated() {
        guard let label = label(node) else {
          throw fail(
            "item \(index) of the JSON list is not a string; write labels in the order of the classes, "
              + #"as ["cat", "dog"]"#)
        }
        items.append((index, label))
      }
      return try Labels.ordered(items, path: path)
    }
    guard let members = node.members, !members.isEmpty else {
      throw fail("the JSON is neither a list of labels nor an object with their numbers")
    }
    if !isInner, let inner = Self.members.lazy.compactMap({ node[$0] }).first(where: isLabels) {
      let labels = try labels(inner, path: path, isInner: true)
      try check(labels, against: node, path: path)
      return labels
    }
    if let fault = ambiguity(members) { throw fail(fault) }
    var items: [(index: Int, label: String)] = []
    for (name, value) in members {
      if let index = Int(name), let label = label(value) {
        items.append((index, label))
      } else if let index = value.integer ?? value.string.flatMap({ Int($0) }) {
        items.append((index, name))
      } else {
        throw fail(
          "member \"\(name.prefix(40))\" of the JSON object is neither a class's number with its "
            + "label (id2label) nor a label with its number (class_to_idx); give the object that has these alone, "
            + "a list of labels, or a file with one label per line")
      }
    }
    return try Labels.ordered(items, path: path)
  }

  /// Says what is wrong with an object whose names and values are the numbers of the classes both, if it
  /// has other labels read as `id2label` than as `class_to_idx`; nil if nothing is.
  private static func ambiguity(_ members: [(name: String, value: JSONNode)]) -> String? {
    var numbers: [Int: Int] = [:]
    for (name, value) in members {
      guard let key = Int(name), let number = value.string.flatMap({ Int($0) }),
        members.indices.contains(key), members.indices.contains(number)
      else { return nil }
      numbers[key] = number
    }
    guard let odd = numbers.keys.sorted().first(where: { numbers[numbers[$0] ?? -1] != $0 }) else {
      return nil
    }
    return
      "\"\(odd)\" and \"\(numbers[odd] ?? 0)\" are both numbers of classes, so that either may be the "
      + "label of the other; give a list of labels, or a file with one label per line"
  }

  /// Throws if another member of a document has other labels, or `label2id` another number for one of
  /// them. What transformers puts there for classes without a name, `LABEL_0`, says nothing.
  static func check(
    _ labels: [String], against document: JSONNode, path: String
  ) throws(CheckpointError) {
    let numbers = Dictionary(
      labels.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    for member in members {
      guard let node = document[member], isLabels(node),
        let other = try? Self.labels(node, path: path, isInner: true),
        other.count == labels.count,
        other != labels, !other.allSatisfy({ $0.hasPrefix("LABEL_") })
      else { continue }
      throw .labels(
        path: path, line: 1,
        reason: "the labels of \(member) are others than those of another member; correct or "
          + "remove one of them")
    }
    for (name, value) in document["label2id"]?.members ?? [] {
      guard let number = value.integer, let other = numbers[String(name[...].trimmingSpace)],
        other != number, !labels.indices.contains(number) || labels[number] != name
      else { continue }
      throw .labels(
        path: path, line: 1,
        reason: "\"\(name.prefix(40))\" is class \(other) by the labels and class \(number) by "
          + "label2id; correct or remove one of them")
    }
  }

  private static func isLabels(_ node: JSONNode) -> Bool {
    node.members != nil || node.array != nil
  }

  /// Returns a string, or the second of two, which follows WordNet's number.
  private static func label(_ node: JSONNode) -> String? {
    if let parts = node.array {
      return parts.count == 2 && parts[0].string != nil ? parts[1].string : nil
    }
    return node.string
  }
}
