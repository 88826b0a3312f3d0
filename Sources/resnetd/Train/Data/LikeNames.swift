/// Classes whose names are hardly meant to be two.
package enum LikeNames {
  /// Returns a sentence about classes whose names differ in their spelling alone; nil if none do.
  package static func note(of classes: [String]) -> String? {
    let groups = Dictionary(grouping: classes.indices) { ClassNames.loose(classes[$0]) }
      .filter { $0.value.count > 1 && !$0.key.isEmpty }
      .values.sorted { $0[0] < $1[0] }
    guard let first = groups.first else { return nil }
    let names = first.prefix(4).map { "\"\(PlainText.line(String(classes[$0].prefix(60))))\"" }
    return names.joined(separator: " and ")
      + (groups.count > 1 ? " (and \(groups.count - 1) more such names)" : "")
      + " are classes of their own, though case, blanks, _ or - alone tell them apart: if one is meant, "
      + "give all its images one name"
  }
}
