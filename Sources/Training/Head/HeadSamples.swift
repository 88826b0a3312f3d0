import Numbers

/// Features with their classes, from which a head is learned.
package struct HeadSamples: Sendable {
  package var features: FeatureMatrix
  /// Class of each row, below `classCount`; where there are `targets`, any number that tells kinds of
  /// rows apart.
  package var labels: [Int]
  /// Labels that are independent of each other, 0 to 1, row-major `[N, classCount]`; nil if each row
  /// has a class.
  package var targets: [Float]?
  /// Group of each row: rows of one group, such as images of one scene, are never learned from and
  /// judged by at the same time.
  package var groups: [Int]
  package var classCount: Int
  /// Rows of images as they are, which come first; the others are further views of these, learned from
  /// but never judged by.
  package var plainCount: Int

  package init(
    _ features: FeatureMatrix, labels: [Int], groups: [Int]? = nil, classCount: Int,
    targets: [Float]? = nil, plainCount: Int? = nil
  ) {
    precondition(labels.count == features.rowCount, "each row must have a label")
    precondition(
      targets.map { $0.count == labels.count * classCount }
        ?? labels.allSatisfy { 0..<classCount ~= $0 }, "labels must be below the class count")
    precondition(groups.map { $0.count == labels.count } ?? true, "each row must have a group")
    (self.features, self.labels, self.classCount) = (features, labels, classCount)
    self.targets = targets
    self.groups = groups ?? Array(labels.indices)
    self.plainCount = plainCount ?? labels.count
    precondition(0...labels.count ~= self.plainCount, "plain rows must be among all")
  }

  package var count: Int { labels.count }

  /// Returns samples of these rows, plain ones before others.
  package func rows(_ indexes: [Int]) -> HeadSamples {
    let plainCount = indexes.prefix { $0 < self.plainCount }.count
    precondition(
      indexes[plainCount...].allSatisfy { $0 >= self.plainCount }, "plain rows must come first")
    return HeadSamples(
      features.rows(indexes), labels: indexes.map { labels[$0] },
      groups: indexes.map { groups[$0] }, classCount: classCount,
      targets: targets.map { targets in
        indexes.flatMap { targets[$0 * classCount..<($0 + 1) * classCount] }
      }, plainCount: plainCount)
  }
}

/// Division of rows into parts that are alike in their classes and keep groups together.
package struct StratifiedParts {
  /// Deals the groups of each class in turn to the parts, in an order that the seed decides.
  ///
  /// A group with rows of several classes counts for that of its first row. Every part has rows of
  /// every class that has at least as many groups as there are parts.
  ///
  /// - Returns: The part of each row, 0 to below `count`.
  package static func parts(
    _ count: Int, labels: [Int], groups: [Int], seed: UInt64
  ) -> [Int] {
    let order = order(labels: labels, groups: groups, seed: seed)
    var part: [Int: Int] = [:]
    var next = 0
    // Going on where the last class ended keeps the parts equally large.
    for group in order {
      part[group] = next % count
      next += 1
    }
    return groups.map { part[$0] ?? 0 }
  }

  /// Chooses rows to hold back: of each class so large a share of its rows, to the nearest whole
  /// group, at least one and never all.
  ///
  /// - Returns: Whether each row is held back. A class of a single group keeps it.
  package static func heldBack(
    share: Double, labels: [Int], groups: [Int], seed: UInt64
  ) -> [Bool] {
    var sizes: [Int: Int] = [:]
    for group in groups { sizes[group, default: 0] += 1 }
    var groupsOfClass: [Int: [Int]] = [:]
    var classOfGroup: [Int: Int] = [:]
    for (row, group) in groups.enumerated() where classOfGroup[group] == nil {
      classOfGroup[group] = labels[row]
    }
    for group in order(labels: labels, groups: groups, seed: seed) {
      if let label = classOfGroup[group] { groupsOfClass[label, default: []].append(group) }
    }
    var held: Set<Int> = []
    for (_, members) in groupsOfClass where members.count > 1 {
      let total = members.reduce(0) { $0 + (sizes[$1] ?? 0) }
      let wanted = share * Double(total)
      var taken = 0
      for group in members.dropLast() {
        let size = sizes[group] ?? 0
        guard taken == 0 || Double(taken) + Double(size) / 2 <= wanted else { continue }
        held.insert(group)
        taken += size
      }
    }
    return groups.map { held.contains($0) }
  }

  /// Groups class by class, shuffled within each.
  private static func order(labels: [Int], groups: [Int], seed: UInt64) -> [Int] {
    var first: [Int: Int] = [:]
    for (row, group) in groups.enumerated() where first[group] == nil { first[group] = row }
    let keyed = first.map { group, row in
      // By the group's first row, so that the numbers of groups have no influence.
      (label: labels[row], key: ReproducibleNumbers("split \(seed) \(row)").bits(0), group: group)
    }
    return keyed.sorted { ($0.label, $0.key, $0.group) < ($1.label, $1.key, $1.group) }.map(\.group)
  }
}
