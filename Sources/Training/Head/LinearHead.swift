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

  /// Rows that are read at once.
  private static let blockRowCount = 4096

  /// Returns row-major logits `[N, K]`.
  package func logits(_ features: FeatureMatrix) throws(EngineError) -> [Float] {
    var logits: [Float] = []
    logits.reserveCapacity(features.rowCount * classCount)
    for rows in HeadRows.blocks(of: features.rowCount, size: Self.blockRowCount) {
      logits += try features.withRows(rows) { numbers throws(EngineError) in
        try outputs(numbers)
      }
    }
    return logits
  }

  /// Returns row-major outputs `[N, K]` for inputs `[N, D]`.
  func outputs(_ inputs: Span<Float>) throws(EngineError) -> [Float] {
    let count = inputs.count / featureCount
    var outputs: [Float] = []
    outputs.reserveCapacity(count * classCount)
    for _ in 0..<count { outputs += bias }
    var product = MatrixProduct(rows: count, columns: classCount, depth: featureCount)
    product.transposesB = true
    product.accumulates = true
    var result = outputs.mutableSpan
    try product.multiply(inputs, weights.span, into: &result)
    return outputs
  }

  /// Adds to the gradient of the weights what inputs `[N, D]` give whose outputs have these gradients,
  /// `[N, K]`.
  func addGradient(
    _ gradients: Span<Float>, _ inputs: Span<Float>, to sum: inout [Float]
  ) throws(EngineError) {
    var product = MatrixProduct(
      rows: classCount, columns: featureCount, depth: inputs.count / featureCount)
    product.transposesA = true
    product.accumulates = true
    var result = sum.mutableSpan
    try product.multiply(gradients, inputs, into: &result)
  }

  /// Returns the gradients of the inputs, `[N, D]`, for those of the outputs, `[N, K]`.
  func inputGradients(_ gradients: Span<Float>) throws(EngineError) -> [Float] {
    let count = gradients.count / classCount
    let product = MatrixProduct(rows: count, columns: featureCount, depth: classCount)
    var inputs = [Float](repeating: 0, count: count * featureCount)
    var result = inputs.mutableSpan
    try product.multiply(gradients, weights.span, into: &result)
    return inputs
  }
}

/// A head of one linear layer, or of two with a rectifier between them.
package struct HeadLayers: Sendable {
  /// Rows of features whose first layer's outputs are in memory at once.
  private static let blockRowCount = 4096

  /// Layer between the features and the last one.
  package let hidden: LinearHead?
  package let last: LinearHead

  package init(hidden: LinearHead? = nil, last: LinearHead) {
    precondition(
      hidden.map { $0.classCount == last.featureCount } ?? true, "layers must follow each other")
    (self.hidden, self.last) = (hidden, last)
  }

  /// Returns row-major logits `[N, K]`.
  package func logits(_ features: FeatureMatrix) throws(EngineError) -> [Float] {
    guard let hidden else { return try last.logits(features) }
    var logits: [Float] = []
    logits.reserveCapacity(features.rowCount * last.classCount)
    for start in stride(from: 0, to: features.rowCount, by: Self.blockRowCount) {
      let rows = Array(start..<min(start + Self.blockRowCount, features.rowCount))
      let outputs = try hidden.logits(features.rows(rows)).map { max($0, 0) }
      logits += try last.logits(
        FeatureMatrix(columnCount: last.featureCount, values: outputs))
    }
    return logits
  }
}
