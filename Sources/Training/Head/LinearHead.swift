package import Engine

/// A network's last layer: `logits [K] = weights [K, D] · features [D] + bias [K]`.
package struct LinearHead: Sendable {
  package let featureCount: Int
  /// Row-major `[K, D]`.
  package let weights: [Float]
  package let bias: [Float]

  package var classCount: Int { bias.count }

  package init(featureCount: Int, weights: [Float], bias: [Float]) {
    precondition(weights.count == bias.count * featureCount, "weights must be [K, D]")
    (self.featureCount, self.weights, self.bias) = (featureCount, weights, bias)
  }

  /// Returns row-major logits `[N, K]`.
  package func logits(_ features: FeatureMatrix) throws(EngineError) -> [Float] {
    var logits: [Float] = []
    logits.reserveCapacity(features.rowCount * classCount)
    for _ in 0..<features.rowCount { logits += bias }
    var product = MatrixProduct(
      rows: features.rowCount, columns: classCount, depth: featureCount)
    product.transposesB = true
    product.accumulates = true
    var result = logits.mutableSpan
    try product.multiply(features.values.span, weights.span, into: &result)
    return logits
  }
}

/// Parameters of a head while it is fitted, one vector: weights `[K, D]`, then bias `[K]`.
package struct HeadParameters: Sendable {
  package let classCount: Int
  package let featureCount: Int
  package var values: [Double]

  /// All parameters 0.
  package init(classCount: Int, featureCount: Int) {
    (self.classCount, self.featureCount) = (classCount, featureCount)
    values = [Double](repeating: 0, count: classCount * (featureCount + 1))
  }

  var weightCount: Int { classCount * featureCount }

  func weights(of k: Int) -> ArraySlice<Double> {
    values[k * featureCount..<(k + 1) * featureCount]
  }

  func bias(of k: Int) -> Double { values[weightCount + k] }
}
