import Words

/// Names in a list that are probably several labels in one, such as `cat;dog`.
package struct JoinedNames {
  package let separator: String
  /// Names with the separator.
  let count: Int
  let example: String

  /// Separators that hardly any single name has.
  private static let clear = [";", "|"]
  /// Those that many single names have, such as `golden retriever`.
  private static let doubtful = [",", "/", "+", " "]
  /// Names below which a doubtful separator says nothing.
  private static let leastCount = 6

  /// Nil if the names look like single ones.
  ///
  /// - Parameter known: The separator by which fields were divided already.
  package init?(_ names: [String], known: String?) {
    let found = (Self.clear + Self.doubtful).lazy.filter { $0 != known }
      .compactMap { Self.found(names, $0, isClear: Self.clear.contains($0)) }.first
    guard let found else { return nil }
    self = found
  }

  private init(separator: String, count: Int, example: String) {
    (self.separator, self.count, self.example) = (separator, count, example)
  }

  private static func found(
    _ names: [String], _ separator: String, isClear: Bool
  ) -> JoinedNames? {
    var parts: [Substring: Int] = [:]
    var joined: [String] = []
    for name in names {
      let own = name.parts(between: separator).filter { !$0.allSatisfy(\.isWhitespace) }
      for part in own { parts[part.trimmed(), default: 0] += 1 }
      if own.count > 1 { joined.append(name) }
    }
    guard let example = joined.first else { return nil }
    let isMost = 2 * joined.count > names.count
    // Labels come back in other combinations, words of one name hardly do.
    let comesBack = joined.contains { name in
      name.parts(between: separator).contains { parts[$0.trimmed(), default: 0] > 1 }
    }
    let isLikely =
      isClear
      ? isMost || comesBack
      : isMost && names.count >= leastCount && 2 * parts.count <= names.count
    return isLikely
      ? JoinedNames(separator: separator, count: joined.count, example: example) : nil
  }
}
