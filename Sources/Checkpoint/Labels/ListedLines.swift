import Words

/// Lines that other forms than one label a line consist of, and the labels of a list in YAML.
///
///     - cat            a list in YAML, which is read
///     - "dog"
///
///     names:           forms that are refused by their names: an object in YAML, a list or dictionary
///       0: cat         of Python, a label map of TensorFlow
enum ListedLines {
  private static let remedy =
    "write one label per line, in the order of the classes, or a JSON list [\"…\", \"…\"]"

  /// Returns the labels of a list in YAML, or nil if lines are labels as they are.
  ///
  /// Throws if some lines are items of such a list and others are not, and for other forms.
  static func labels(
    _ lines: [Substring], path: String
  ) throws(CheckpointError) -> [String]? {
    if let form = form(lines) {
      throw .labels(path: path, line: 1, reason: "the file is \(form); \(remedy)")
    }
    let items = lines.map(item)
    let count = items.count { $0 != nil }
    // A single class may be called so.
    guard count > 1 else { return nil }
    if let line = items.firstIndex(where: { $0 == nil }) {
      guard 2 * count > lines.count else { return nil }
      throw .labels(
        path: path, line: line + 1,
        reason:
          "it does not begin with a hyphen and a blank, as \(count) of \(lines.count) lines do; "
          + remedy)
    }
    var labels: [String] = []
    for (index, item) in items.enumerated() {
      guard let label = plain(item ?? "") else {
        throw .labels(
          path: path, line: index + 1,
          reason: "it is more than a plain item of a list in YAML; \(remedy)")
      }
      labels.append(label)
    }
    return labels
  }

  /// Returns what follows the sign of an item.
  private static func item(_ line: Substring) -> Substring? {
    let line = line.trimmingSpace
    guard line.hasPrefix("- "), !line.dropFirst(2).trimmingSpace.isEmpty else { return nil }
    return line.dropFirst(2).trimmingSpace
  }

  /// Returns a string as YAML means it, in quotes or without; nil if that takes more than removing
  /// them.
  static func plain(_ text: Substring) -> String? {
    guard let first = text.first else { return "" }
    if first == "\"" || first == "'" {
      let inner = text.dropFirst().dropLast()
      guard text.count > 1, text.last == first, !inner.contains(first), !inner.contains("\\") else {
        return nil
      }
      return String(inner)
    }
    let isPlain =
      !"[{&*!|>%@`#".contains(first) && !text.containsText(" #") && !text.containsText(": ")
      && !text.hasSuffix(":")
    return isPlain ? String(text) : nil
  }

  /// Returns what else the lines are; nil if that does not show.
  private static func form(_ lines: [Substring]) -> String? {
    let first = lines.first?.trimmingSpace ?? ""
    if first.hasPrefix("item {") || first.hasPrefix("item{") {
      return "a label map of TensorFlow (pbtxt)"
    }
    let isQuoted =
      lines.count > 1
      && lines.allSatisfy { line in
        let text = line.trimmingSpace
        let inner = text.hasSuffix(",") ? text.dropLast() : text
        return inner.count > 2 && inner.first == inner.last && "\"'".contains(inner.first ?? " ")
      }
    if isQuoted { return "a list of labels in quotes, without brackets" }
    let isYAML =
      first == "---" || first.hasPrefix("%YAML")
      || first.hasSuffix(":") && lines.count > 1
        && lines.dropFirst().allSatisfy { $0.trimmingSpace.isEmpty || isNested($0) }
    if isYAML { return "a document in YAML" }
    let isBracketed = first.hasPrefix("[") || first.hasPrefix("{")
    let last = lines.last?.trimmingSpace.last
    if isBracketed, last == "]" || last == "}", first.contains(",") || first.contains("'") {
      return "a list or dictionary of Python, not JSON"
    }
    if first.containsText("= ["), lines.count == 1 || last == "]" { return "a program in Python" }
    return nil
  }

  /// Whether a line is an item or member below another line in YAML.
  private static func isNested(_ line: Substring) -> Bool {
    let text = line.trimmingSpace
    return text.hasPrefix("- ") || line.first?.isWhitespace == true && text.contains(":")
  }
}
