/// Where a parameter's numbers come from, for those that do not stand in the file under their own
/// name in their own shape.
enum ParameterSource: Sendable, Hashable {
  /// A tensor of as many numbers in another shape.
  case stored(String)
  /// A convolution's weights, each output's less their mean and divided by their deviation (Qiao et
  /// al. 2019).
  case standardized(String, epsilon: Float)
  /// The square matrix whose rows are a kernel over neighbouring channels, with zeros around.
  case banded(String)
  /// The same with the first channels after the last ones.
  case circulant(String)
  /// Some of a tensor along its first axis.
  case rows(String, Range<Int>)
  /// A tensor of one number, for all.
  case repeated(String)
  /// Reciprocals of a tensor's numbers, of the only one for all.
  case inverse(String)
  case filled(Float)
  /// A filter of 3x3 numbers for each channel: products of 1/4, 1/2, 1/4.
  case binomial

  /// Tensor of the file that it reads.
  var tensor: String? {
    switch self {
    case .stored(let name), .standardized(let name, _), .banded(let name), .circulant(let name),
      .rows(let name, _), .repeated(let name), .inverse(let name):
      name
    case .filled, .binomial: nil
    }
  }

  /// Returns whether a tensor of such a shape gives the parameter's.
  func fits(_ shape: [Int], to wanted: [Int]) -> Bool {
    switch self {
    case .stored: shape.filter { $0 != 1 } == wanted.filter { $0 != 1 }
    case .standardized: shape == wanted
    case .banded, .circulant:
      shape.count == 3 && shape[0] == 1 && shape[1] == 1 && shape[2] % 2 == 1
    case .rows(_, let rows):
      shape.dropFirst() == wanted.dropFirst() && rows.count == wanted.first
        && rows.upperBound <= shape.first ?? 0
    case .repeated: shape.allSatisfy { $0 == 1 }
    case .inverse:
      shape.allSatisfy { $0 == 1 } || shape.filter { $0 != 1 } == wanted.filter { $0 != 1 }
    case .filled, .binomial: true
    }
  }

  /// Makes the parameter of the tensor's numbers, which are none for constants.
  func values(_ stored: [Float], shape: [Int]) -> [Float] {
    let count = shape.reduce(1, *)
    switch self {
    case .stored: return stored
    case .filled(let value): return [Float](repeating: value, count: count)
    case .repeated: return [Float](repeating: stored[0], count: count)
    case .inverse:
      let inverse = stored.map { 1 / $0 }
      return inverse.count == count ? inverse : [Float](repeating: inverse[0], count: count)
    case .binomial:
      let filter: [Float] = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { $0 / 16 }
      return (0..<count).map { filter[$0 % 9] }
    case .banded:
      let (channels, half) = (shape[0], stored.count / 2)
      var matrix = [Float](repeating: 0, count: count)
      for row in 0..<channels {
        for (index, value) in stored.enumerated() {
          let column = row + index - half
          if 0..<channels ~= column { matrix[row * channels + column] = value }
        }
      }
      return matrix
    case .circulant:
      let (channels, half) = (shape[0], stored.count / 2)
      var matrix = [Float](repeating: 0, count: count)
      for row in 0..<channels {
        for (index, value) in stored.enumerated() {
          let column = (row + index - half) % channels
          matrix[row * channels + (column < 0 ? column + channels : column)] += value
        }
      }
      return matrix
    case .rows(_, let rows):
      let length = count / rows.count
      return Array(stored[rows.lowerBound * length..<rows.upperBound * length])
    case .standardized(_, let epsilon):
      return Self.standardized(stored, rows: shape[0], epsilon: epsilon)
    }
  }

  private static func standardized(_ values: [Float], rows: Int, epsilon: Float) -> [Float] {
    var result = values
    let length = values.count / rows
    for row in 0..<rows {
      let range = row * length..<(row + 1) * length
      let mean = values[range].reduce(0.0) { $0 + Double($1) } / Double(length)
      let variance =
        values[range].reduce(0.0) { sum, value in
          let distance = Double(value) - mean
          return sum + distance * distance
        } / Double(length)
      let scale = 1 / (variance + Double(epsilon)).squareRoot()
      for index in range { result[index] = Float((Double(values[index]) - mean) * scale) }
    }
    return result
  }
}
