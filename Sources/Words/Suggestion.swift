/// The search for the known word that was probably meant.
package enum Suggestion {
  /// Limit of differences; more of them make it another word.
  private static let distanceLimit = 3

  /// Returns the known word that differs least; nil if all differ too much.
  package static func nearest(to word: String, among known: [String]) -> String? {
    let best = known.map { (word: $0, distance: distance(word, $0)) }
      .min { $0.distance < $1.distance }
    guard let best, best.distance <= min(distanceLimit, word.count / 2) else { return nil }
    return best.word
  }

  /// Returns the insertions, deletions, replacements and swaps of neighbouring characters: the
  /// distance of Damerau and Levenshtein, with no part changed twice.
  private static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first), Array(second))
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
