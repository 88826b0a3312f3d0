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
  /// Numbers of the targets, and of the weights.
  private static let numberLimit = 1 << 25

  /// Share of the rows with the right class, or of all labels that are right.
  package let accuracy: Double
  package let judgedCount: Int
  /// Whether each row was judged by a head learned from all others, instead of rows held out.
  package let leavesOneOut: Bool
  package let regularization: Double

  /// Fits a head to the plain rows of `samples`, and judges it by `heldOut`, or by each row without
  /// itself if there are none.
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
      (judgedCount, leavesOneOut) = (heldOut.count, false)
    } else {
      var outputs = try head.outputs(scaled)
      let shares = try Self.leverages(scaled, count: count, depth, factor)
      for (row, share) in shares.enumerated() {
        guard share < 0.9999 else { return nil }
        for k in 0..<classCount {
          let place = row * classCount + k
          // Output of the head that has not seen the row (Allen 1974, the PRESS residual).
          let target = targets[place] + means[k]
          outputs[place] = (outputs[place] - share * target) / (1 - share)
        }
      }
      accuracy = Self.accuracy(outputs, chosen)
      (judgedCount, leavesOneOut) = (count, true)
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

  /// Returns how much of each row's output is its own doing.
  private static func leverages(
    _ scaled: [Float], count: Int, _ depth: Int, _ factor: Cholesky
  ) throws(EngineError) -> [Float] {
    var columns = [Float](repeating: 0, count: scaled.count)
    for row in 0..<count {
      for column in 0..<depth { columns[column * count + row] = scaled[row * depth + column] }
    }
    let solved = try factor.forward(columns)
    // What a bias adds.
    var shares = [Float](repeating: 1 / Float(count), count: count)
    for (place, value) in solved.enumerated() {
      shares[place % count] += value * value / Float(count)
    }
    return shares
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
