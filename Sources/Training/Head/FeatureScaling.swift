/// Shift of each feature, and one factor for all of them, after which features have mean 0 and,
/// averaged over them, variance 1: a regularisation then means the same for any network.
///
/// One factor keeps the features' proportions, which a network has learned; a factor for each would
/// enlarge those that hardly ever differ from 0.
struct FeatureScaling: Sendable {
  let means: [Double]
  let factor: Double

  /// Rows that are read at once.
  private static let blockRowCount = 1024

  init(_ features: FeatureMatrix) {
    let count = features.columnCount
    var sums = [Double](repeating: 0, count: count)
    let blocks = HeadRows.blocks(of: features.rowCount, size: Self.blockRowCount)
    for rows in blocks {
      features.withRows(rows) { numbers in
        for start in stride(from: 0, to: numbers.count, by: count) {
          for column in 0..<count { sums[column] += Double(numbers[start + column]) }
        }
      }
    }
    let means = sums.map { $0 / Double(max(features.rowCount, 1)) }
    var squares = 0.0
    for rows in blocks {
      features.withRows(rows) { numbers in
        for start in stride(from: 0, to: numbers.count, by: count) {
          for column in 0..<count {
            let difference = Double(numbers[start + column]) - means[column]
            squares += difference * difference
          }
        }
      }
    }
    let variance = squares / Double(max(features.rowCount * count, 1))
    self.means = means
    factor = variance > 0 ? 1 / variance.squareRoot() : 1
  }

  func applied(to features: FeatureMatrix) -> FeatureMatrix { features.scaled(self) }

  /// Scales whole rows.
  func apply(to values: inout [Float]) {
    let count = means.count
    for start in stride(from: 0, to: values.count, by: count) {
      for column in 0..<count {
        values[start + column] = Float((Double(values[start + column]) - means[column]) * factor)
      }
    }
  }

  /// Returns the head that gives for plain features what `parameters` give for scaled ones.
  func unscaled(_ parameters: HeadParameters) -> HeadLayers {
    var layers: [LinearHead] = []
    for (number, layer) in parameters.layers.enumerated() {
      var weights = Array(parameters.values[layer.weights])
      var bias = Array(parameters.values[layer.bias])
      if number == 0 {
        for output in 0..<layer.outputCount {
          for column in 0..<layer.inputCount {
            let place = output * layer.inputCount + column
            bias[output] -= weights[place] * means[column] * factor
            weights[place] *= factor
          }
        }
      }
      layers.append(
        LinearHead(
          featureCount: layer.inputCount, weights: weights.map { Float($0) },
          bias: bias.map { Float($0) }))
    }
    return HeadLayers(
      hidden: layers.count > 1 ? layers[0] : nil, last: layers[layers.count - 1])
  }
}
