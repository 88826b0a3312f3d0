/// How the classes of a model differ from those of the one whose place it takes.
package struct LabelChange: Sendable, Hashable {
  package let formerCount: Int
  package let count: Int
  /// Classes that have another label than before, or had none.
  package let differingCount: Int

  /// Nil where they are the same, in the same order.
  init?(from former: [String], to labels: [String]) {
    guard former != labels else { return nil }
    formerCount = former.count
    count = labels.count
    differingCount =
      zip(former, labels).count { $0 != $1 } + max(0, labels.count - former.count)
  }
}
