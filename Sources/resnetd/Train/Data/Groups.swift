/// Partition of numbers into groups that grow by joining (disjoint sets, Tarjan 1975).
struct Groups {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  /// Returns the number that stands for a group: the least in it.
  mutating func root(of member: Int) -> Int {
    var root = member
    while parents[root] != root { root = parents[root] }
    var next = member
    while parents[next] != root { (parents[next], next) = (root, parents[next]) }
    return root
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (first, second) = (root(of: a), root(of: b))
    parents[max(first, second)] = min(first, second)
  }
}

/// Pairs of images that look the same, by their hashes.
struct SimilarImages {
  /// Comparisons beyond which the search ends.
  private static let comparisonLimit = 50_000_000
  /// Bits of a hash that similar ones may have in common in full: with one part more than bits may
  /// differ, one part is always equal.
  private static let parts: [(shift: UInt64, mask: UInt64)] = [
    (0, (1 << 22) - 1), (22, (1 << 21) - 1), (43, (1 << 21) - 1),
  ]

  /// Pairs of places in the list, each with the lesser one first; the first of equal hashes stands
  /// for all of them.
  private(set) var pairs: [(Int, Int)] = []
  /// Whether all were compared.
  private(set) var isComplete = true

  init(_ hashes: [Likeness?]) {
    precondition(
      Self.parts.count == Likeness.toleratedBitCount + 1, "one part must always be equal")
    var first: [UInt64: Int] = [:]
    for (place, hash) in hashes.enumerated() {
      guard let bits = hash?.bits else { continue }
      if let other = first[bits] { pairs.append((other, place)) } else { first[bits] = place }
    }
    let distinct = first.map { (bits: $0.key, place: $0.value) }.sorted { $0.place < $1.place }
    var comparisonCount = 0
    for part in Self.parts {
      let buckets = Dictionary(grouping: distinct) { $0.bits >> part.shift & part.mask }
      for bucket in buckets.values.sorted(by: { $0[0].place < $1[0].place }) {
        comparisonCount += bucket.count * (bucket.count - 1) / 2
        guard comparisonCount <= Self.comparisonLimit else {
          isComplete = false
          return
        }
        for (index, a) in bucket.enumerated() {
          for b in bucket[(index + 1)...]
          where (a.bits ^ b.bits).nonzeroBitCount <= Likeness.toleratedBitCount {
            pairs.append((a.place, b.place))
          }
        }
      }
    }
  }
}
