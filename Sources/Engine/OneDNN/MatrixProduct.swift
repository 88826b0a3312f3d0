import COneDNN

/// Product of two row-major fp32 matrices, computed by the calling thread alone: the same numbers
/// give the same bits.
///
///     c [rows, columns] = a [rows, depth] · b [depth, columns]
package struct MatrixProduct: Sendable {
  package var rows: Int
  package var columns: Int
  package var depth: Int
  /// Whether `a` lies in memory as `[depth, rows]`.
  package var transposesA = false
  /// Whether `b` lies in memory as `[columns, depth]`.
  package var transposesB = false
  /// Whether the product is added to `c` instead of replacing it.
  package var accumulates = false

  package init(rows: Int, columns: Int, depth: Int) {
    (self.rows, self.columns, self.depth) = (rows, columns, depth)
  }

  package func multiply(
    _ a: Span<Float>, _ b: Span<Float>, into c: inout MutableSpan<Float>
  ) throws(EngineError) {
    precondition(
      a.count == rows * depth && b.count == depth * columns && c.count == rows * columns,
      "matrices must have the product's shapes")
    guard rows > 0, columns > 0 else { return }
    OneDNN.setThreads(1)
    let product = onednn_matrix_product(
      rows: Int64(rows), columns: Int64(columns), depth: Int64(depth), transposes_a: transposesA,
      transposes_b: transposesB, accumulates: accumulates)
    // SAFETY: the spans have the sizes that the shapes name, as checked above.
    try unsafe a.withUnsafeBufferPointer { a throws(EngineError) in
      try unsafe b.withUnsafeBufferPointer { b throws(EngineError) in
        try unsafe c.withUnsafeMutableBufferPointer { c throws(EngineError) in
          guard let first = a.baseAddress, let second = b.baseAddress,
            let result = c.baseAddress
          else { return }
          try unsafe OneDNN.check { message in
            unsafe onednn_matrix_multiply(product, first, second, result, message)
          }
        }
      }
    }
  }
}
