extension Evaluator {
  static let matrixOperators: [String: Operator] = ["Gemm": gemm, "MatMul": matMul]

  /// Computes alpha * A * B + beta * C; A `[M, K]`, B `[K, N]` or their transposes, C broadcast to
  /// `[M, N]`.
  private static func gemm(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    var a = try call.input(0)
    var b = try call.input(1)
    try call.sameType(a, b)
    guard a.rank == 2, b.rank == 2 else {
      throw call.fault("shapes \(a.shape) and \(b.shape) are not both matrices")
    }
    if try call.integer("transA", default: 0) != 0 { a = transposed(a) }
    if try call.integer("transB", default: 0) != 0 { b = transposed(b) }
    let alpha = try call.number("alpha", default: 1)
    let beta = try call.number("beta", default: 1)
    guard a.shape[1] == b.shape[0] else {
      throw call.fault("matrices \(a.shape) and \(b.shape) cannot be multiplied")
    }
    let shape = try call.allow([a.shape[0], b.shape[1]])
    try call.budget.spend(a.shape[0], a.shape[1], b.shape[1])
    var addend: (tensor: DenseTensor, offsets: [Int])?
    if let c = call.optional(2) {
      try call.sameType(a, c)
      guard StridedView.broadcast(c.shape, shape) == shape else {
        throw call.fault("the addend of shape \(c.shape) cannot be broadcast to \(shape)")
      }
      addend = (c, StridedView(c.shape, broadcastTo: shape).offsets)
    }
    switch (a.numbers, b.numbers) {
    case (.floating(let left), .floating(let right)):
      var values = product(left, right, a.shape[0], a.shape[1], b.shape[1], 0) { $0 + $1 * $2 }
      for place in values.indices { values[place] *= alpha }
      if let addend {
        let numbers = addend.tensor.doubles
        for place in values.indices { values[place] += beta * numbers[addend.offsets[place]] }
      }
      return [DenseTensor(a.elementType, shape, values)]
    case (.whole(let left), .whole(let right)):
      guard alpha == 1, beta == 1 else { throw call.fault("alpha and beta must be 1 for integers") }
      var values = product(left, right, a.shape[0], a.shape[1], b.shape[1], 0) { $0 &+ $1 &* $2 }
      if let numbers = addend?.tensor.integers, let offsets = addend?.offsets {
        for place in values.indices { values[place] &+= numbers[offsets[place]] }
      }
      return [DenseTensor(a.elementType, shape, values)]
    default: throw call.fault("one input has integers, the other floating-point numbers")
    }
  }

  /// Computes MatMul as numpy does: vectors become matrices meanwhile, leading dimensions are
  /// broadcast.
  private static func matMul(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let a = try call.input(0)
    let b = try call.input(1)
    try call.sameType(a, b)
    guard a.rank >= 1, b.rank >= 1 else {
      throw call.fault("shapes \(a.shape) and \(b.shape) include a scalar")
    }
    let left = a.rank == 1 ? [1] + a.shape : a.shape
    let right = b.rank == 1 ? b.shape + [1] : b.shape
    let (rows, inner) = (left[left.count - 2], left[left.count - 1])
    let columns = right[right.count - 1]
    guard right[right.count - 2] == inner,
      let batch = StridedView.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2)))
    else { throw call.fault("shapes \(a.shape) and \(b.shape) cannot be multiplied") }
    let shape = batch + (a.rank == 1 ? [] : [rows]) + (b.rank == 1 ? [] : [columns])
    try call.allow(shape)
    try call.allow(batch)
    try call.budget.spend(batch.reduce(1, *), rows, columns, inner)
    let lefts = StridedView(Array(left.dropLast(2)), broadcastTo: batch).offsets
    let rights = StridedView(Array(right.dropLast(2)), broadcastTo: batch).offsets
    func all<Number>(
      _ a: [Number], _ b: [Number], _ zero: Number, _ add: (Number, Number, Number) -> Number
    ) -> [Number] {
      var result: [Number] = []
      for (first, second) in zip(lefts, rights) {
        let matrix = a[(first * rows * inner)...].prefix(rows * inner)
        let other = b[(second * inner * columns)...].prefix(inner * columns)
        result += product(Array(matrix), Array(other), rows, inner, columns, zero, add)
      }
      return result
    }
    switch (a.numbers, b.numbers) {
    case (.floating(let a), .floating(let b)):
      return [DenseTensor(try call.input(0).elementType, shape, all(a, b, 0) { $0 + $1 * $2 })]
    case (.whole(let a), .whole(let b)):
      return [DenseTensor(try call.input(0).elementType, shape, all(a, b, 0) { $0 &+ $1 &* $2 })]
    default: throw call.fault("one input has integers, the other floating-point numbers")
    }
  }

  /// Multiplies row by row, so that the innermost loop runs along both rows.
  private static func product<Number>(
    _ left: [Number], _ right: [Number], _ rows: Int, _ inner: Int, _ columns: Int, _ zero: Number,
    _ add: (Number, Number, Number) -> Number
  ) -> [Number] {
    var result = [Number](repeating: zero, count: rows * columns)
    for row in 0..<rows {
      for middle in 0..<inner {
        let factor = left[row * inner + middle]
        for column in 0..<columns {
          let place = row * columns + column
          result[place] = add(result[place], factor, right[middle * columns + column])
        }
      }
    }
    return result
  }

  private static func transposed(_ matrix: DenseTensor) -> DenseTensor {
    let shape = [matrix.shape[1], matrix.shape[0]]
    return matrix.picking(
      StridedView(shape: shape, steps: [1, matrix.shape[1]]).offsets, shape: shape)
  }
}
