/// The search for the known word that was probably meant.
package enum Suggestion {
  /// Limit of differences; more of them make it another word.
  private static let distanceLimit = 3
  /// Letters of the shortest part of a name by which it is found.
  private static let partLengthLimit = 3

  /// Returns the known word that was probably meant; nil if none is like it.
  ///
  /// Case and what stands between the parts of a name make no difference. The word that differs least
  /// is taken; without one that is near, the only one with the same parts, or with all of them and
  /// more, such as `--resize-mode` for `--mode-resize` and for `--resize`.
  package static func nearest(to word: String, among known: [String]) -> String? {
    let wanted = Form(word)
    guard !wanted.letters.isEmpty else { return nil }
    let forms = known.map { (word: $0, form: Form($0)) }
    let best = forms.map { (word: $0.word, distance: distance(wanted.letters, $0.form.letters)) }
      .min { $0.distance < $1.distance }
    if let best, best.distance <= limit(wanted.letters.count) { return best.word }
    for isLike in [Form.hasSameParts, Form.sharesParts] {
      let like = forms.filter { isLike(wanted)($0.form) }
      if like.count == 1 { return like[0].word }
    }
    return nil
  }

  /// Returns the differences that words of this length may have: one in three letters.
  private static func limit(_ count: Int) -> Int {
    min(distanceLimit, max(1, count / 3), count / 2)
  }

  /// A word as it is compared.
  private struct Form {
    /// Letters and digits in lower case.
    let letters: [Character]
    /// Runs of them, without the ending of a plural.
    let parts: Set<String>

    init(_ word: String) {
      let lower = word.lowercased()
      let runs = lower.split { !$0.isLetter && !$0.isNumber }
      letters = runs.isEmpty ? Array(lower) : Array(runs.joined())
      parts = Set(
        runs.map { run in
          String(run.count > partLengthLimit && run.hasSuffix("s") ? run.dropLast() : run)
        })
    }

    func hasSameParts(_ other: Form) -> Bool { parts == other.parts }

    /// Whether one has all parts of the other and more, which are not just short words.
    func sharesParts(_ other: Form) -> Bool {
      let smaller = parts.count < other.parts.count ? parts : other.parts
      return smaller.isSubset(of: parts) && smaller.isSubset(of: other.parts)
        && smaller.contains { $0.count >= partLengthLimit }
    }
  }

  /// Returns the insertions, deletions, replacements and swaps of neighbouring characters: the
  /// distance of Damerau and Levenshtein, with no part changed twice.
  private static func distance(_ first: [Character], _ second: [Character]) -> Int {
    var before = [Int](repeating: 0, count: second.count + 1)
    var row = Array(0...second.count)
    for i in first.indices {
      var next = [i + 1]
      for j in second.indices {
        let replaced = row[j] + (first[i] == second[j] ? 0 : 1)
        var least = min(replaced, row[j + 1] + 1, next[j] + 1)
        if i > 0, j > 0, first[i] == second[j - 1], first[i - 1] == second[j] {
          least = min(least, before[j - 1] + 1)
        }
        next.append(least)
      }
      (before, row) = (row, next)
    }
    return row[second.count]
  }
}
