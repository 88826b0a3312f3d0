/// Features of images, row-major `[N, D]`: what a frozen network gives for each.
package struct FeatureMatrix: Sendable {
  package let columnCount: Int
  package private(set) var values: [Float]

  package var rowCount: Int { values.count / columnCount }

  /// Makes a matrix without rows; `columnCount` must be positive.
  package init(columnCount: Int) {
    precondition(columnCount > 0, "a matrix must have columns")
    self.columnCount = columnCount
    values = []
  }

  /// Makes a matrix of row-major numbers, a whole number of rows.
  package init(columnCount: Int, values: [Float]) {
    self.init(columnCount: columnCount)
    precondition(values.count.isMultiple(of: columnCount), "rows must be whole")
    self.values = values
  }

  package mutating func append(_ row: some Collection<Float>) {
    precondition(row.count == columnCount, "rows must be equally long")
    values.append(contentsOf: row)
  }

  package mutating func append(contentsOf other: FeatureMatrix) {
    precondition(other.columnCount == columnCount, "rows must be equally long")
    values.append(contentsOf: other.values)
  }

  package func row(_ index: Int) -> ArraySlice<Float> {
    values[index * columnCount..<(index + 1) * columnCount]
  }

  /// Returns a matrix of these rows, in this order.
  package func rows(_ indexes: [Int]) -> FeatureMatrix {
    var result = FeatureMatrix(columnCount: columnCount)
    result.values.reserveCapacity(indexes.count * columnCount)
    for index in indexes { result.values.append(contentsOf: row(index)) }
    return result
  }
}
