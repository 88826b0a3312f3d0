/// Features of images, `[N, D]`: what a frozen network gives for each. They are in memory, row-major, or
/// in files, of which blocks are read when they are needed.
package struct FeatureMatrix: Sendable {
  /// Rows of a store, and what is done with their numbers.
  private struct Stored: Sendable {
    var store: FeatureStore
    var rows: [Int]
    var scaling: FeatureScaling?
  }

  package let columnCount: Int
  /// Row-major; empty if the numbers are in files.
  private var numbers: [Float]
  /// Nil if the numbers are in memory.
  private var stored: Stored?

  /// Makes a matrix without rows; `columnCount` must be positive.
  package init(columnCount: Int) { self.init(columnCount: columnCount, values: []) }

  /// Makes a matrix of row-major numbers, a whole number of rows.
  package init(columnCount: Int, values: [Float]) {
    precondition(columnCount > 0, "a matrix must have columns")
    precondition(values.count.isMultiple(of: columnCount), "rows must be whole")
    (self.columnCount, numbers) = (columnCount, values)
  }

  /// Makes a matrix of these rows of a store, in this order.
  package init(_ store: FeatureStore, rows: [Int]) {
    precondition(rows.allSatisfy { 0..<store.rowCount ~= $0 }, "rows must be in the store")
    (columnCount, numbers) = (store.columnCount, [])
    stored = Stored(store: store, rows: rows)
  }

  package var rowCount: Int { stored?.rows.count ?? numbers.count / columnCount }

  /// All numbers, row-major; those in files are all read.
  package var values: [Float] { stored == nil ? numbers : gathered(0..<rowCount) }

  /// Adds a row to a matrix in memory.
  package mutating func append(_ row: some Collection<Float>) {
    precondition(row.count == columnCount, "rows must be equally long")
    precondition(stored == nil, "rows must lie in one place")
    numbers.append(contentsOf: row)
  }

  /// Adds the rows of a matrix in memory to one in memory, or of one of the same store.
  package mutating func append(contentsOf other: FeatureMatrix) {
    precondition(other.columnCount == columnCount, "rows must be equally long")
    precondition(stored?.store === other.stored?.store, "rows must lie in one place")
    precondition(
      stored?.scaling == nil && other.stored?.scaling == nil, "rows must be as they are")
    numbers.append(contentsOf: other.numbers)
    stored?.rows.append(contentsOf: other.stored?.rows ?? [])
  }

  package func row(_ index: Int) -> ArraySlice<Float> {
    stored == nil
      ? numbers[index * columnCount..<(index + 1) * columnCount] : gathered([index])[...]
  }

  /// Returns the numbers of some rows.
  private func gathered(_ indexes: some Collection<Int>) -> [Float] {
    var found: [Float] = []
    found.reserveCapacity(indexes.count * columnCount)
    guard let stored else {
      for index in indexes {
        found.append(contentsOf: numbers[index * columnCount..<(index + 1) * columnCount])
      }
      return found
    }
    for index in indexes { stored.store.append(stored.rows[index], to: &found) }
    stored.scaling?.apply(to: &found)
    return found
  }

  /// Lends rows one after the other, row-major.
  func withRows<Result, Failure: Error>(
    _ rows: HeadRows, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch rows {
    case .range(let range):
      if stored == nil {
        let (first, end) = (range.lowerBound * columnCount, range.upperBound * columnCount)
        return try Self.lend(numbers, first..<end, body)
      }
      let found = gathered(range)
      return try Self.lend(found, found.indices, body)
    case .chosen(let indexes):
      let found = gathered(indexes)
      return try Self.lend(found, found.indices, body)
    }
  }

  private static func lend<Result, Failure: Error>(
    _ numbers: [Float], _ range: Range<Int>, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let span = numbers.span
    return try body(span.extracting(range))
  }

  /// Returns a matrix of these rows, in this order; what is in files stays there.
  package func rows(_ indexes: [Int]) -> FeatureMatrix {
    var matrix = self
    if let stored {
      matrix.stored?.rows = indexes.map { stored.rows[$0] }
    } else {
      matrix.numbers = gathered(indexes)
    }
    return matrix
  }

  /// Returns the same rows scaled: a copy in memory, or a note of what is to be done with what is
  /// read.
  func scaled(_ scaling: FeatureScaling) -> FeatureMatrix {
    precondition(stored?.scaling == nil, "rows are scaled once")
    var matrix = self
    matrix.stored?.scaling = scaling
    scaling.apply(to: &matrix.numbers)
    return matrix
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

  /// Returns all rows of so many in parts of at most `size`.
  static func blocks(of count: Int, size: Int) -> [HeadRows] {
    stride(from: 0, to: count, by: size).map { .range($0..<min($0 + size, count)) }
  }
}
