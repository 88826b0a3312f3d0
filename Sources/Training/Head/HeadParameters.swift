import Numbers

/// Parameters of a head while it is fitted, one vector: the weights of its layers, then their biases.
///
///     one layer     weights [K, D], bias [K]
///     two layers    weights [H, D], weights [K, H], bias [H], bias [K]
package struct HeadParameters: Sendable {
  /// Places of a linear layer's parameters in the vector.
  struct Layer: Sendable {
    var inputCount: Int
    var outputCount: Int
    /// First of its weights, row-major `[outputs, inputs]`.
    var weightStart = 0
    var biasStart = 0

    var weights: Range<Int> { weightStart..<weightStart + inputCount * outputCount }
    var bias: Range<Int> { biasStart..<biasStart + outputCount }
  }

  package let classCount: Int
  package let featureCount: Int
  package let hiddenCount: Int?
  let layers: [Layer]
  package var values: [Double]

  /// All parameters 0.
  package init(classCount: Int, featureCount: Int, hiddenCount: Int? = nil) {
    (self.classCount, self.featureCount, self.hiddenCount) = (
      classCount, featureCount, hiddenCount
    )
    let counts = [featureCount] + (hiddenCount.map { [$0] } ?? []) + [classCount]
    var layers = zip(counts, counts.dropFirst()).map { Layer(inputCount: $0, outputCount: $1) }
    var count = 0
    for index in layers.indices {
      layers[index].weightStart = count
      count = layers[index].weights.upperBound
    }
    for index in layers.indices {
      layers[index].biasStart = count
      count = layers[index].bias.upperBound
    }
    self.layers = layers
    values = [Double](repeating: 0, count: count)
  }

  /// Parameters to begin with: 0 for one layer, whose loss is convex; of two layers uniform random
  /// weights that keep the variance of what passes (He et al. 2015), without which the units of the
  /// first would all learn the same.
  static func start(
    classCount: Int, featureCount: Int, hiddenCount: Int?, seed: UInt64
  ) -> HeadParameters {
    var parameters = HeadParameters(
      classCount: classCount, featureCount: featureCount, hiddenCount: hiddenCount)
    guard hiddenCount != nil else { return parameters }
    for (number, layer) in parameters.layers.enumerated() {
      // The variance of a uniform number is a third of its bound's square; a rectifier halves that of
      // what it passes, and nothing rectifies the logits.
      let isLast = number == parameters.layers.count - 1
      let bound = Float((isLast ? 3 : 6) / Double(layer.inputCount)).squareRoot()
      let numbers = ReproducibleNumbers("head layer \(number) \(seed)").values(
        count: layer.weights.count, from: -bound, to: bound)
      for (place, value) in zip(layer.weights, numbers) { parameters.values[place] = Double(value) }
    }
    return parameters
  }

  var weightCount: Int { layers.reduce(0) { $0 + $1.weights.count } }
}
