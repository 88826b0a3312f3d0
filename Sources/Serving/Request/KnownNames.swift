import Words

/// Names that one part of a request may use, and what other services call the same.
struct KnownNames: Sendable {
  /// Longest name that another one is suggested for.
  private static let byteCountLimit = 64

  let names: [String]
  /// Names by those of others, which are in lower case with underscores.
  var synonyms: [String: String] = [:]

  /// All names in one sentence.
  var list: String {
    guard let last = names.last else { return "no parameters" }
    let others = names.dropLast().joined(separator: ", ")
    return others.isEmpty ? last : "\(others) and \(last)"
  }

  /// Returns the problem of a name that is none of them.
  ///
  /// - Parameters:
  ///   - noun: Kind of name, such as "parameter".
  ///   - taker: Sentence of what is allowed, which the names complete.
  func unknown(_ name: String, _ noun: String, _ taker: String) -> Problem {
    let meant = meant(by: name).map { " (did you mean \($0)?)" } ?? ""
    return .parameter("\(Quotation.of(name)) is an unknown \(noun)\(meant); \(taker) \(list)")
  }

  private func meant(by name: String) -> String? {
    guard name.utf8.count <= Self.byteCountLimit else { return nil }
    let word = name.lowercased().replacingText("-", with: "_")
    if let name = Suggestion.nearest(to: word, among: names) ?? synonyms[word] { return name }
    return Suggestion.nearest(to: word, among: synonyms.keys.sorted()).flatMap { synonyms[$0] }
  }
}

/// Quotations of what a client sent, cut short.
enum Quotation {
  private static let characterLimit = 40

  static func of(_ text: some StringProtocol) -> String {
    let start = text.prefix(characterLimit)
    return "\"\(start)\(start.endIndex == text.endIndex ? "" : "…")\""
  }

  /// Returns a value that may be missing, for "not …".
  static func value(_ text: some StringProtocol) -> String { text.isEmpty ? "nothing" : of(text) }
}
