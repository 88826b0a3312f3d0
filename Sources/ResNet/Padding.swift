/// Rows and columns around a feature map; zeros, but to a maximum they are below every number.
package struct Padding: Sendable, Hashable, Codable {
  /// Before the first row and column.
  package var before: Extent
  /// Behind the last row and column.
  package var after: Extent

  package init(before: Extent, after: Extent) {
    self.before = before
    self.after = after
  }

  /// The same on both sides of each axis.
  package init(_ sides: Extent) { self.init(before: sides, after: sides) }

  package init(_ all: Int) { self.init(Extent(all)) }

  /// Whether each axis has the same on both sides.
  package var isSymmetric: Bool { before == after }
}
