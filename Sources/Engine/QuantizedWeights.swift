/// A layer's weights as integers of 8 bits, with a scale per output channel.
struct QuantizedWeights {
  /// In the order of the source, -127 to 127.
  let weight: [Int8]
  let shape: [Int]
  /// `[K]`: what an integer stands for.
  let scales: [Float]
  /// `[K]`, as the source has it.
  let bias: [Float]?

  /// The largest magnitude of each output channel becomes 127, so that nothing is clipped.
  init(_ source: PackedWeights.Source, outputCount: Int) {
    let rowCount = source.weight.count / outputCount
    var weight = [Int8](repeating: 0, count: source.weight.count)
    var scales = [Float](repeating: 1, count: outputCount)
    for output in 0..<outputCount {
      let row = output * rowCount..<(output + 1) * rowCount
      let largest = source.weight[row].reduce(0) { max($0, abs($1)) }
      guard largest > 0 else { continue }
      scales[output] = largest / 127
      let factor = 127 / largest
      for index in row {
        weight[index] = Int8(max(-127, min(127, (source.weight[index] * factor).rounded())))
      }
    }
    self.weight = weight
    self.scales = scales
    shape = source.shape
    bias = source.bias
  }

  /// The bias in units of the sums of products, for activations of this scale.
  func bias(sourceScale: Float) -> [Float]? {
    bias.map { bias in zip(bias, scales).map { $0 / ($1 * sourceScale) } }
  }
}
