import Words

/// `[NAME=]FILE`: a file for an input or an output, and its name if it is given.
struct NamedFile {
  /// Nil if it was left out.
  let name: String?
  let file: String

  /// Splits a text. It has a name if the part before some `=` is one; names may contain `=`
  /// themselves, so the longest counts.
  ///
  /// - Parameters:
  ///   - isName: Whether something has that name.
  ///   - refusal: Reason for a text with `=` that begins with no name: written to a file called so,
  ///     it would be taken for something else.
  init(
    _ text: String, isName: (String) -> Bool, refusal: (String) -> Failure
  ) throws(Failure) {
    for place in text.indices.reversed() where text[place] == "=" {
      let name = String(text[..<place])
      guard isName(name) else { continue }
      self.name = name
      file = String(text[text.index(after: place)...])
      return
    }
    if let place = text.firstIndex(of: "=") { throw refusal(String(text[..<place])) }
    name = nil
    file = text
  }

  /// Remedy for a file that is taken for a name.
  static let hint = "A file whose own name has \"=\" needs NAME= before it"

  /// Names that a refusal lists.
  private static let listedCount = 24

  /// Returns the name that was probably meant, if there is one, and what names something has.
  static func suggestion(for name: String, _ owner: String, has names: [String]) -> String {
    let shown = names.isEmpty ? "none" : names.prefix(listedCount).joined(separator: ", ")
    let rest = names.count > listedCount ? ", … (\(names.count) in all)" : ""
    let meant = Suggestion.nearest(to: name, among: names).map { "did you mean \($0)? " } ?? ""
    return "\(meant)\(owner) has \(shown)\(rest)"
  }
}
