/// The latest outcomes, each good or bad.
struct RecentOutcomes: Sendable {
  private let limit: Int
  /// Outcomes in a ring: the oldest is at `next` when all places are taken.
  private var isBad: [Bool] = []
  private var next = 0
  private(set) var badCount = 0

  /// - Parameter limit: Number of outcomes that are remembered; 1 or more.
  init(limit: Int) {
    precondition(limit > 0, "something is remembered")
    self.limit = limit
  }

  var count: Int { isBad.count }

  mutating func record(isBad new: Bool) {
    if isBad.count < limit {
      isBad.append(new)
    } else {
      if isBad[next] { badCount -= 1 }
      isBad[next] = new
      next = (next + 1) % limit
    }
    if new { badCount += 1 }
  }

  /// Returns whether more than `share`, 0 to 1, of them were bad. Fewer than `minimum` never exceed
  /// it.
  func exceed(_ share: Double, minimum: Int) -> Bool {
    count >= minimum && Double(badCount) > share * Double(count)
  }
}
