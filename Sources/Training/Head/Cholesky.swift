import Engine

/// Lower triangular factor of a symmetric positive definite matrix, in fp32:
///
///     matrix [N, N] = lower · lowerᵀ
///
/// It is made and used in panels of some columns (Golub and Van Loan 2013, Matrix Computations,
/// section 4.2.6), so that nearly all of the work is in products of matrices.
struct Cholesky {
  private static let panelWidth = 64

  /// Columns of the factor from the diagonal downwards.
  private struct Panel {
    var start: Int
    var width: Int
    /// Row-major `[N - start, width]`.
    var values: [Float]
    /// Negative of the rows beneath the diagonal block, `[N - start - width, width]`.
    var negativeRest: [Float]
  }

  private let size: Int
  private var panels: [Panel] = []

  /// - Parameter matrix: Row-major `[N, N]`.
  /// - Returns: Nil if the matrix is not positive definite in fp32.
  init?(_ matrix: [Float], size: Int) throws(EngineError) {
    precondition(matrix.count == size * size, "a matrix must have size rows and columns")
    self.size = size
    var rest = matrix
    var start = 0
    while start < size {
      let (count, width) = (size - start, min(Self.panelWidth, size - start))
      var values: [Float] = []
      values.reserveCapacity(count * width)
      for row in 0..<count { values += rest[row * count..<row * count + width] }
      guard Self.factor(&values, width: width) else { return nil }
      let negativeRest = values[(width * width)...].map { -$0 }
      panels.append(
        Panel(start: start, width: width, values: values, negativeRest: negativeRest))
      let next = count - width
      var trailing: [Float] = []
      trailing.reserveCapacity(next * next)
      for row in width..<count { trailing += rest[row * count + width..<(row + 1) * count] }
      let below = Array(values[(width * width)...])
      var product = MatrixProduct(rows: next, columns: next, depth: width)
      product.transposesB = true
      product.accumulates = true
      var span = trailing.mutableSpan
      try product.multiply(negativeRest.span, below.span, into: &span)
      rest = trailing
      start += width
    }
  }

  /// Replaces columns of the matrix by those of the factor; returns false if it is not positive
  /// definite.
  private static func factor(_ values: inout [Float], width: Int) -> Bool {
    let count = values.count / width
    var span = values.mutableSpan
    for column in 0..<width {
      var diagonal = Double(span[column * width + column])
      for other in 0..<column {
        let value = Double(span[column * width + other])
        diagonal -= value * value
      }
      guard diagonal > 0, diagonal.isFinite else { return false }
      let root = diagonal.squareRoot()
      span[column * width + column] = Float(root)
      for row in 0..<column { span[row * width + column] = 0 }
      for row in column + 1..<max(count, column + 1) {
        var value = Double(span[row * width + column])
        for other in 0..<column {
          value -= Double(span[row * width + other]) * Double(span[column * width + other])
        }
        span[row * width + column] = Float(value / root)
      }
    }
    return true
  }

  /// Returns `lower⁻¹ · values`, both row-major `[N, C]`.
  func forward(_ values: [Float]) throws(EngineError) -> [Float] {
    let columns = values.count / max(size, 1)
    var values = values
    for panel in panels {
      let block = panel.start * columns..<(panel.start + panel.width) * columns
      var solved = Array(values[block])
      for row in 0..<panel.width {
        for other in 0..<row {
          Self.subtract(
            panel.values[row * panel.width + other], other, from: row, of: &solved, columns)
        }
        Self.divide(row, by: panel.values[row * panel.width + row], of: &solved, columns)
      }
      values.replaceSubrange(block, with: solved)
      let (count, end) = (size - panel.start - panel.width, values.count)
      var product = MatrixProduct(rows: count, columns: columns, depth: panel.width)
      product.accumulates = true
      var span = values.mutableSpan
      var rest = span._mutatingExtracting(block.upperBound..<end)
      try product.multiply(panel.negativeRest.span, solved.span, into: &rest)
    }
    return values
  }

  /// Returns `matrix⁻¹ · values`, both row-major `[N, C]`.
  func solve(_ values: [Float]) throws(EngineError) -> [Float] {
    let columns = values.count / max(size, 1)
    var values = try forward(values)
    for panel in panels.reversed() {
      let block = panel.start * columns..<(panel.start + panel.width) * columns
      var solved = Array(values[block])
      let below = Array(values[block.upperBound...])
      var product = MatrixProduct(
        rows: panel.width, columns: columns, depth: size - panel.start - panel.width)
      product.transposesA = true
      product.accumulates = true
      if product.depth > 0 {
        var span = solved.mutableSpan
        try product.multiply(panel.negativeRest.span, below.span, into: &span)
      }
      for row in (0..<panel.width).reversed() {
        for other in row + 1..<max(panel.width, row + 1) {
          Self.subtract(
            panel.values[other * panel.width + row], other, from: row, of: &solved, columns)
        }
        Self.divide(row, by: panel.values[row * panel.width + row], of: &solved, columns)
      }
      values.replaceSubrange(block, with: solved)
    }
    return values
  }

  private static func subtract(
    _ factor: Float, _ other: Int, from row: Int, of values: inout [Float], _ columns: Int
  ) {
    var span = values.mutableSpan
    for column in 0..<columns {
      span[row * columns + column] -= factor * span[other * columns + column]
    }
  }

  private static func divide(
    _ row: Int, by divisor: Float, of values: inout [Float], _ columns: Int
  ) {
    var span = values.mutableSpan
    for column in 0..<columns { span[row * columns + column] /= divisor }
  }
}
