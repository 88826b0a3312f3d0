package import Engine

/// Share of right answers that a head by ridge regression would give: the head with the least squares
/// between its outputs and 0 or 1, which has a closed form.
///
///     weights = (XᵀX / n + λ)⁻¹ XᵀY / n        X [n, D] scaled features, Y [n, K] targets, both centred
///
/// It takes one product of matrices and one decomposition, and tells nearly what the head proper will
/// reach before that is fitted.
package struct RidgePreview: Sendable {
  /// Features of which the decomposition takes too long.
  private static let featureLimit = 4096
  /// Multiply-adds of the product, about a second on one core; of more rows some are left out.
  private static let workLimit = 1 << 34
  private static let rowLimit = 20_000
  /// Rows of a group, which take a decomposition too.
  private static let groupLimit = 512
  /// Numbers of the targets, and of the weights.
  private static let numberLimit = 1 << 25

  /// Share of the rows with the right class, or of all labels that are right.
  package let accuracy: Double
  package let judgedCount: Int
  /// Whether each row was judged by a head learned from all other groups, instead of rows held out.
  package let leavesOneOut: Bool
  /// Groups that were left out in turn, if they were.
  package let groupCount: Int
  package let regularization: Double

  /// Fits a head to the plain rows of `samples`, and judges it by `heldOut`, or by each row without
  /// its group if there are none.
  ///
  /// - Returns: Nil if it would not be quick, or nothing can be told.
  package init?(_ samples: HeadSamples, heldOut: HeadSamples?) throws(EngineError) {
    let (depth, classCount) = (samples.features.columnCount, samples.classCount)
    let count = min(
      samples.plainCount, Self.rowLimit, max(1, Self.workLimit / (depth * depth)))
    guard count > 1, depth <= Self.featureLimit, count * classCount <= Self.numberLimit,
      depth * classCount <= Self.numberLimit
    else { return nil }
    let chosen = samples.rows((0..<count).map { $0 * samples.plainCount / count })
    let scaling = FeatureScaling(chosen.features)
    let scaled = scaling.applied(to: chosen.features).values
    // The fewer rows tell each weight, the less they are trusted.
    let regularization = min(max(Double(depth) / Double(10 * count), 1e-3), 1)
    guard
      let factor = try Self.factor(scaled, count: count, depth, Float(regularization))
    else { return nil }
    let (targets, means) = Self.targets(chosen)
    var product = MatrixProduct(rows: depth, columns: classCount, depth: count)
    product.transposesA = true
    var right = [Float](repeating: 0, count: depth * classCount)
    var span = right.mutableSpan
    let weighted = targets.map { $0 / Float(count) }
    try product.multiply(scaled.span, weighted.span, into: &span)
    let head = Ridge(
      weights: try factor.solve(right), means: means, classCount: classCount, depth: depth)
    self.regularization = regularization
    if let heldOut, heldOut.count > 0 {
      // In parts, so that few rows are there twice.
      var accuracy = 0.0
      for start in stride(from: 0, to: heldOut.count, by: Self.rowLimit) {
        let part = heldOut.rows(Array(start..<min(start + Self.rowLimit, heldOut.count)))
        let outputs = try head.outputs(scaling.applied(to: part.features).values)
        accuracy += Self.accuracy(outputs, part) * Double(part.count)
      }
      self.accuracy = accuracy / Double(heldOut.count)
      (judgedCount, leavesOneOut, groupCount) = (heldOut.count, false, 0)
    } else {
      var outputs = try head.outputs(scaled)
      let truth = targets.enumerated().map { $1 + means[$0 % classCount] }
      let groups = Dictionary(grouping: 0..<count) { chosen.groups[$0] }
      guard groups.values.allSatisfy({ $0.count <= Self.groupLimit }) else { return nil }
      let solved = try Self.solved(scaled, count: count, depth, factor)
      for rows in groups.values {
        guard try Self.leaveOut(rows, of: &outputs, truth, solved, count: count) else { return nil }
      }
      let judged = Self.judgedRows(chosen)
      guard !judged.isEmpty else { return nil }
      accuracy = Self.accuracy(
        judged.flatMap { outputs[$0 * classCount..<($0 + 1) * classCount] }, chosen.rows(judged))
      let judgedGroups = Set(judged.map { chosen.groups[$0] })
      (judgedCount, leavesOneOut, groupCount) = (judged.count, true, judgedGroups.count)
    }
  }

  /// A linear function of scaled features.
  private struct Ridge {
    /// Row-major `[D, K]`.
    var weights: [Float]
    var means: [Float]
    var classCount: Int
    var depth: Int

    func outputs(_ scaled: [Float]) throws(EngineError) -> [Float] {
      let count = scaled.count / depth
      var outputs: [Float] = []
      outputs.reserveCapacity(count * classCount)
      for _ in 0..<count { outputs += means }
      var product = MatrixProduct(rows: count, columns: classCount, depth: depth)
      product.accumulates = true
      var span = outputs.mutableSpan
      try product.multiply(scaled.span, weights.span, into: &span)
      return outputs
    }
  }

  private static func factor(
    _ scaled: [Float], count: Int, _ depth: Int, _ regularization: Float
  ) throws(EngineError) -> Cholesky? {
    var product = MatrixProduct(rows: depth, columns: depth, depth: count)
    product.transposesA = true
    var matrix = [Float](repeating: 0, count: depth * depth)
    var span = matrix.mutableSpan
    try product.multiply(scaled.span, scaled.span, into: &span)
    for index in matrix.indices { matrix[index] /= Float(count) }
    for column in 0..<depth { matrix[column * depth + column] += regularization }
    return try Cholesky(matrix, size: depth)
  }

  /// Returns 0 or 1 for each class or label, less its mean, and the means.
  private static func targets(_ samples: HeadSamples) -> (centred: [Float], means: [Float]) {
    let classCount = samples.classCount
    var targets = samples.targets ?? []
    if targets.isEmpty {
      targets = [Float](repeating: 0, count: samples.count * classCount)
      for (row, label) in samples.labels.enumerated() { targets[row * classCount + label] = 1 }
    }
    var sums = [Double](repeating: 0, count: classCount)
    for (place, target) in targets.enumerated() { sums[place % classCount] += Double(target) }
    let means = sums.map { Float($0 / Double(samples.count)) }
    for place in targets.indices { targets[place] -= means[place % classCount] }
    return (targets, means)
  }

  /// Returns `[n, D]` whose products of two rows, divided by n, tell how much of one row's output is
  /// the other's doing, or its own, but for the bias.
  private static func solved(
    _ scaled: [Float], count: Int, _ depth: Int, _ factor: Cholesky
  ) throws(EngineError) -> [Float] {
    var columns = [Float](repeating: 0, count: scaled.count)
    for row in 0..<count {
      for column in 0..<depth { columns[column * count + row] = scaled[row * depth + column] }
    }
    let solved = try factor.forward(columns)
    var rows = [Float](repeating: 0, count: scaled.count)
    for column in 0..<depth {
      for row in 0..<count { rows[row * depth + column] = solved[column * count + row] }
    }
    return rows
  }

  /// Replaces rows' outputs by those of the head that has seen none of them (of a single row this is
  /// Allen's PRESS residual, 1974):
  ///
  ///     truth - (I - H)⁻¹ (truth - outputs)      H [rows, rows] each row's doing in each output
  ///
  /// - Returns: Whether anything is left to learn from.
  private static func leaveOut(
    _ rows: [Int], of outputs: inout [Float], _ truth: [Float], _ solved: [Float], count: Int
  ) throws(EngineError) -> Bool {
    let (depth, classCount) = (solved.count / count, outputs.count / count)
    var own: [Float] = []
    own.reserveCapacity(depth * rows.count)
    for row in rows { own += solved[row * depth..<(row + 1) * depth] }
    var product = MatrixProduct(rows: rows.count, columns: rows.count, depth: depth)
    product.transposesB = true
    var rest = [Float](repeating: 0, count: rows.count * rows.count)
    var span = rest.mutableSpan
    try product.multiply(own.span, own.span, into: &span)
    // What a bias adds is the same for all.
    for place in rest.indices { rest[place] = -(rest[place] + 1) / Float(count) }
    for place in rows.indices { rest[place * rows.count + place] += 1 }
    guard rows.indices.allSatisfy({ rest[$0 * rows.count + $0] > 1e-4 }),
      let factor = try Cholesky(rest, size: rows.count)
    else { return false }
    let places = rows.flatMap { row in (0..<classCount).map { row * classCount + $0 } }
    let residuals = try factor.solve(places.map { truth[$0] - outputs[$0] })
    for (place, residual) in zip(places, residuals) { outputs[place] = truth[place] - residual }
    return true
  }

  /// Returns the rows whose class is in other groups too: without their group nothing is known of the
  /// others' class.
  private static func judgedRows(_ samples: HeadSamples) -> [Int] {
    guard samples.targets == nil else { return Array(0..<samples.count) }
    var groups = [Set<Int>](repeating: [], count: samples.classCount)
    for (label, group) in zip(samples.labels, samples.groups) { groups[label].insert(group) }
    return samples.labels.indices.filter { groups[samples.labels[$0]].count > 1 }
  }

  private static func accuracy(_ outputs: [Float], _ samples: HeadSamples) -> Double {
    if let targets = samples.targets {
      let rightCount = zip(outputs, targets).count { ($0 > 0.5) == ($1 > 0.5) }
      return Double(rightCount) / Double(max(1, outputs.count))
    }
    return ClassScores(
      outputs, labels: samples.labels, classCount: samples.classCount
    ).accuracy
  }
}
