/// Weights that PyTorch's weight normalisation has in two tensors, a direction and a magnitude
/// (Salimans and Kingma 2016): `weight = g * v / |v|`.
///
///     conv1.weight_g, conv1.weight_v                        torch.nn.utils.weight_norm
///     conv1.parametrizations.weight.original0, .original1   torch.nn.utils.parametrizations
struct WeightNormalization {
  private static let forms = [
    (direction: "weight_v", magnitude: "weight_g"),
    (
      direction: "parametrizations.weight.original1", magnitude: "parametrizations.weight.original0"
    ),
  ]

  /// Names of the weights that directions are of, by the directions' names.
  private(set) var weights: [Substring: String] = [:]
  /// Names of the magnitudes, likewise.
  private(set) var magnitudes: [Substring: Substring] = [:]

  /// Finds pairs among names.
  init(_ names: [Substring]) {
    let ends = Self.forms.map(\.direction)
    guard names.contains(where: { name in ends.contains { name.hasSuffix($0) } }) else { return }
    let all = Set(names)
    for form in Self.forms {
      for name in names where name == form.direction || name.hasSuffix("." + form.direction) {
        let module = name.dropLast(form.direction.count)
        let magnitude = module + form.magnitude
        guard all.contains(magnitude[...]) else { continue }
        weights[name] = module + "weight"
        magnitudes[name] = magnitude[...]
      }
    }
  }

  /// Returns the name of the weight that a direction of this name is of; nil if it has another
  /// one.
  static func weight(ofDirection name: String) -> String? {
    guard let form = forms.first(where: { name.hasSuffix(".\($0.direction)") }) else { return nil }
    return name.dropLast(form.direction.count) + "weight"
  }

  /// Returns the weights of a direction, row-major, and magnitudes: one for each index of the dimensions
  /// that their shape has, the norm being over all others.
  ///
  /// Nil if the shapes do not fit.
  static func weights(
    _ direction: [Float], _ shape: [Int], _ magnitude: [Float], _ magnitudeShape: [Int]
  ) -> [Float]? {
    let lengths =
      magnitude.count == 1 ? [Int](repeating: 1, count: shape.count) : magnitudeShape
    guard lengths.count == shape.count, zip(lengths, shape).allSatisfy({ $0 == 1 || $0 == $1 }),
      lengths.reduce(1, *) == magnitude.count, shape.reduce(1, *) == direction.count
    else { return nil }
    var steps = [Int](repeating: 0, count: shape.count)
    var step = 1
    for axis in shape.indices.reversed() where lengths[axis] > 1 {
      steps[axis] = step
      step *= lengths[axis]
    }
    /// Returns the magnitude's index for a place of the direction.
    func index(_ place: Int) -> Int {
      var (rest, result) = (place, 0)
      for axis in shape.indices.reversed() {
        result += rest % shape[axis] * steps[axis]
        rest /= shape[axis]
      }
      return result
    }
    var squares = [Double](repeating: 0, count: magnitude.count)
    for place in direction.indices {
      squares[index(place)] += Double(direction[place]) * Double(direction[place])
    }
    let factors = zip(magnitude, squares).map { Double($0) / $1.squareRoot() }
    return direction.indices.map { Float(Double(direction[$0]) * factors[index($0)]) }
  }
}
