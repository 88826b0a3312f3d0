import Testing
import Training

/// Divisions of rows by class and group.
@Suite struct StratifiedPartsTests {
  private let labels = (0..<200).map { $0 < 150 ? 0 : $0 < 190 ? 1 : 2 }

  @Test("Every part has its share of every class")
  func shares() {
    let parts = StratifiedParts.parts(4, labels: labels, groups: Array(0..<200), seed: 1)
    for part in 0..<4 {
      for (label, size) in [150, 40, 10].enumerated() {
        let count = labels.indices.count { labels[$0] == label && parts[$0] == part }
        #expect(abs(Double(count) - Double(size) / 4) < 1)
      }
    }
  }

  @Test("Groups stay together, and the seed decides where")
  func groups() {
    let groups = (0..<200).map { $0 / 5 }
    let parts = StratifiedParts.parts(4, labels: labels, groups: groups, seed: 1)
    for row in 1..<200 where groups[row] == groups[row - 1] {
      #expect(parts[row] == parts[row - 1])
    }
    #expect(Set(parts) == [0, 1, 2, 3])
    #expect(parts == StratifiedParts.parts(4, labels: labels, groups: groups, seed: 1))
    #expect(parts != StratifiedParts.parts(4, labels: labels, groups: groups, seed: 2))
  }

  @Test("Of each class its share is held back, and never all of it")
  func heldBack() {
    let held = StratifiedParts.heldBack(
      share: 0.2, labels: labels, groups: Array(0..<200), seed: 3)
    for (label, size) in [150, 40, 10].enumerated() {
      #expect(labels.indices.count { labels[$0] == label && held[$0] } == size / 5)
    }
    // One group in each class: each keeps it.
    let whole = StratifiedParts.heldBack(share: 0.5, labels: labels, groups: labels, seed: 3)
    #expect(!whole.contains(true))
    // Two unequal groups in a class: one goes.
    let two = StratifiedParts.heldBack(
      share: 0.2, labels: [0, 0, 0, 0, 0], groups: [0, 0, 0, 0, 1], seed: 0)
    #expect(two.count { $0 } == 1 || two.count { $0 } == 4)
  }
}
