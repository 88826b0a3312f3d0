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

  /// Lends rows one after the other, row-major.
  func withRows<Result, Failure: Error>(
    _ rows: HeadRows, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch rows {
    case .range(let range):
      let (first, end) = (range.lowerBound * columnCount, range.upperBound * columnCount)
      return try Self.lend(values, first..<end, body)
    case .chosen(let indexes):
      var gathered: [Float] = []
      gathered.reserveCapacity(indexes.count * columnCount)
      for index in indexes { gathered.append(contentsOf: row(index)) }
      return try Self.lend(gathered, gathered.indices, body)
    }
  }

  private static func lend<Result, Failure: Error>(
    _ numbers: [Float], _ range: Range<Int>, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let span = numbers.span
    return try body(span.extracting(range))
  }

  /// Returns a matrix of these rows, in this order.
  package func rows(_ indexes: [Int]) -> FeatureMatrix {
    var result = FeatureMatrix(columnCount: columnCount)
    result.values.reserveCapacity(indexes.count * columnCount)
    for index in indexes { result.values.append(contentsOf: row(index)) }
    return result
  }
}

/// Rows of features that are computed with at once.
enum HeadRows: Sendable {
  case range(Range<Int>)
  case chosen(ArraySlice<Int>)

  var count: Int {
    switch self {
    case .range(let range): range.count
    case .chosen(let indexes): indexes.count
    }
  }

  /// Returns the row at a place, counted from 0.
  func row(at place: Int) -> Int {
    switch self {
    case .range(let range): range.lowerBound + place
    case .chosen(let indexes): indexes[indexes.startIndex + place]
    }
  }

  /// Returns the rows at these places.
  func part(_ places: Range<Int>) -> HeadRows {
    switch self {
    case .range(let range):
      .range(range.lowerBound + places.lowerBound..<range.lowerBound + places.upperBound)
    case .chosen(let indexes):
      .chosen(
        indexes[indexes.startIndex + places.lowerBound..<indexes.startIndex + places.upperBound])
    }
  }
}
