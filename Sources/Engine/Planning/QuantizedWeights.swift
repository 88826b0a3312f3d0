/// Weights of a layer as 8-bit integers, with a scale per output channel.
struct QuantizedWeights {
  /// Integers in the order of the source, -127 to 127.
  let weight: [Int8]
  let shape: [Int]
  /// `[K]`, the value of one step of an integer.
  let scales: [Float]
  /// `[K]`, as in the source.
  let bias: [Float]?

  /// Magnitude up to which weights are zero: a bias in units of theirs would exceed every number.
  private static let vanishing: Float = 1e-30
  /// Distance, in steps, from a whole number of steps at which a weight still counts as one.
  private static let gridTolerance: Float = 1e-3

  /// Quantises weights. The largest magnitude of each output channel becomes 127, so that nothing
  /// is clipped, or less if the weights were quantised before: then they keep their own steps.
  init(_ source: LayerParameters, outputCount: Int) {
    let rowCount = source.weight.count / outputCount
    var weight = [Int8](repeating: 0, count: source.weight.count)
    var scales = [Float](repeating: 1, count: outputCount)
    for output in 0..<outputCount {
      let row = output * rowCount..<(output + 1) * rowCount
      let largest = source.weight[row].reduce(0) { max($0, abs($1)) }
      guard largest > Self.vanishing else { continue }
      let steps = Self.stepCount(source.weight[row], largest: largest)
      scales[output] = largest / steps
      let factor = steps / largest
      for index in row {
        weight[index] = Int8(max(-127, min(127, (source.weight[index] * factor).rounded())))
      }
    }
    self.weight = weight
    self.scales = scales
    shape = source.shape
    bias = source.bias
  }

  /// Counts the steps of the largest magnitude: the most up to 127 such that all weights are whole
  /// numbers of steps, else 127.
  private static func stepCount(_ weights: ArraySlice<Float>, largest: Float) -> Float {
    for count in stride(from: Float(127), to: 0, by: -1) {
      let factor = count / largest
      let isGrid = weights.allSatisfy {
        let steps = $0 * factor
        return abs(steps - steps.rounded()) <= gridTolerance
      }
      if isGrid { return count }
    }
    return 127
  }

  /// Returns the bias in units of the sums of products, for activations of this scale.
  func bias(sourceScale: Float) -> [Float]? {
    bias.map { bias in zip(bias, scales).map { $0 / ($1 * sourceScale) } }
  }
}
