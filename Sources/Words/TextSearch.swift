// The standard library finds texts within texts by the module of its regular expressions, which
// would be 1.3 MB of the program. Texts are compared by their bytes here: none is normalised.

extension Collection where Element: Equatable {
  /// Returns the first place of some elements in a row; nil if they are nowhere.
  package func firstPlace(of part: some Collection<Element>) -> Range<Index>? {
    var start = startIndex
    while true {
      var (end, wanted) = (start, part.startIndex)
      while wanted != part.endIndex, end != endIndex, self[end] == part[wanted] {
        formIndex(after: &end)
        part.formIndex(after: &wanted)
      }
      if wanted == part.endIndex { return start..<end }
      // From here on the rest is shorter than what is looked for.
      if end == endIndex { return nil }
      formIndex(after: &start)
    }
  }
}

extension StringProtocol {
  /// Returns whether a text is somewhere in this one.
  package func containsText(_ part: some StringProtocol) -> Bool {
    utf8.firstPlace(of: part.utf8) != nil
  }

  /// Returns the text without the blanks and line ends around it.
  package func trimmed() -> Substring {
    var text = Substring(self).drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }

  /// Returns what stands before, between and after the places of a text, which must not be empty.
  package func parts(between separator: String) -> [Substring] {
    precondition(!separator.isEmpty, "texts are separated by something")
    var parts: [Substring] = []
    var rest = Substring(self)
    while let place = rest.utf8.firstPlace(of: separator.utf8) {
      parts.append(rest[..<place.lowerBound])
      rest = rest[place.upperBound...]
    }
    return parts + [rest]
  }

  /// Returns the text with another one in each place of a part, which must not be empty.
  package func replacingText(_ part: String, with other: String) -> String {
    parts(between: part).joined(separator: other)
  }
}
