/// Minimiser of a smooth function by the limited-memory method of Broyden, Fletcher, Goldfarb and
/// Shanno (Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 and 7.5), with a line
/// search for the strong Wolfe conditions (algorithms 3.5 and 3.6).
package struct LBFGS {
  /// Value and gradient of the function at a point.
  package struct Evaluation {
    package var value: Double
    package var gradient: [Double]

    package init(value: Double, gradient: [Double]) {
      (self.value, self.gradient) = (value, gradient)
    }
  }

  package struct Outcome {
    package var point: [Double]
    package var evaluation: Evaluation
    package var iterationCount = 0
    /// Whether it ended because the gradient was small enough, or nothing smaller could be found.
    package var isConverged = false
  }

  /// Pairs of steps and differences of gradients that stand for the Hessian.
  var historyLimit = 10
  var iterationLimit = 300
  /// The largest component of a gradient that counts as 0.
  var gradientTolerance = 1e-5
  /// Decrease, relative to the value, below which nothing more is to be won.
  var valueTolerance = 1e-10

  package init() {}

  private struct Pair {
    var step: [Double]
    var change: [Double]
    var inverseProduct: Double
  }

  /// Minimises from `start` on.
  ///
  /// - Parameter continues: Asked before each iteration; false ends it with what has been found.
  package func minimize<Failure: Error>(
    from start: [Double], while continues: () -> Bool = { true },
    _ evaluate: ([Double]) throws(Failure) -> Evaluation
  ) throws(Failure) -> Outcome {
    var outcome = Outcome(point: start, evaluation: try evaluate(start))
    var pairs: [Pair] = []
    while outcome.iterationCount < iterationLimit, continues() {
      let gradient = outcome.evaluation.gradient
      if Self.largest(gradient) <= gradientTolerance {
        outcome.isConverged = true
        break
      }
      var direction = Self.direction(gradient, pairs)
      if Self.dot(direction, gradient) >= 0 {
        pairs = []
        direction = gradient.map { -$0 }
      }
      // Without a history the length of the gradient says nothing about that of the step.
      let first = pairs.isEmpty ? 1 / max(Self.dot(gradient, gradient).squareRoot(), 1e-12) : 1
      var search = LineSearch(
        point: outcome.point, direction: direction, start: outcome.evaluation)
      guard let found = try search.run(first: first, evaluate) else {
        // A worn history may point in a useless direction; the gradient itself does not.
        guard !pairs.isEmpty else {
          outcome.isConverged = true
          break
        }
        pairs = []
        outcome.iterationCount += 1
        continue
      }
      let step = direction.map { $0 * found.length }
      let change = zip(found.evaluation.gradient, gradient).map { $0 - $1 }
      let product = Self.dot(step, change)
      if product > 1e-12 * Self.dot(change, change) {
        pairs.append(Pair(step: step, change: change, inverseProduct: 1 / product))
        if pairs.count > historyLimit { pairs.removeFirst() }
      }
      let decrease = outcome.evaluation.value - found.evaluation.value
      for index in outcome.point.indices { outcome.point[index] += step[index] }
      outcome.evaluation = found.evaluation
      outcome.iterationCount += 1
      if decrease <= valueTolerance * max(1, abs(found.evaluation.value)) {
        outcome.isConverged = true
        break
      }
    }
    return outcome
  }

  /// Returns minus the inverse Hessian times the gradient, by two loops over the pairs.
  private static func direction(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
    var result = gradient
    var factors: [Double] = []
    for pair in pairs.reversed() {
      let factor = pair.inverseProduct * dot(pair.step, result)
      factors.append(factor)
      add(-factor, pair.change, to: &result)
    }
    if let last = pairs.last {
      let scale = 1 / (last.inverseProduct * dot(last.change, last.change))
      for index in result.indices { result[index] *= scale }
    }
    for (pair, factor) in zip(pairs, factors.reversed()) {
      add(factor - pair.inverseProduct * dot(pair.change, result), pair.step, to: &result)
    }
    return result.map { -$0 }
  }

  private static func add(_ factor: Double, _ vector: [Double], to result: inout [Double]) {
    for index in result.indices { result[index] += factor * vector[index] }
  }

  private static func largest(_ vector: [Double]) -> Double {
    vector.reduce(0) { max($0, abs($1)) }
  }

  static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }
}

/// A search along a direction for a step that decreases both value and slope enough.
private struct LineSearch {
  /// Constants of the strong Wolfe conditions that Nocedal and Wright advise for quasi-Newton
  /// methods.
  private static let decrease = 1e-4
  private static let curvature = 0.9
  private static let evaluationLimit = 25

  struct Found {
    var length: Double
    var evaluation: LBFGS.Evaluation
  }

  /// A place on the line.
  private struct Place {
    var length: Double
    var value: Double
    var slope: Double
    var evaluation: LBFGS.Evaluation
  }

  private let point: [Double]
  private let direction: [Double]
  private let origin: Place
  private var evaluationCount = 0

  init(point: [Double], direction: [Double], start: LBFGS.Evaluation) {
    (self.point, self.direction) = (point, direction)
    origin = Place(
      length: 0, value: start.value, slope: LBFGS.dot(start.gradient, direction), evaluation: start)
  }

  /// Returns a place that fulfils the conditions, or after too many evaluations the best decrease;
  /// nil if there is none.
  mutating func run<Failure: Error>(
    first: Double, _ evaluate: ([Double]) throws(Failure) -> LBFGS.Evaluation
  ) throws(Failure) -> Found? {
    var previous = origin
    var length = first
    while evaluationCount < Self.evaluationLimit {
      let place = try place(at: length, evaluate)
      if !isDecrease(place) || (place.value >= previous.value && previous.length > 0) {
        return try zoom(previous, place, evaluate)
      }
      if isFlat(place) { return Found(length: length, evaluation: place.evaluation) }
      if place.slope >= 0 { return try zoom(place, previous, evaluate) }
      previous = place
      length *= 2
    }
    return found(previous)
  }

  /// Searches between two places, of which `low` has the lesser value.
  private mutating func zoom<Failure: Error>(
    _ low: Place, _ high: Place, _ evaluate: ([Double]) throws(Failure) -> LBFGS.Evaluation
  ) throws(Failure) -> Found? {
    var (low, high) = (low, high)
    while evaluationCount < Self.evaluationLimit {
      let width = abs(high.length - low.length)
      guard width > 1e-14 * max(1, abs(low.length)) else { break }
      let place = try place(at: Self.minimum(low, high), evaluate)
      if !isDecrease(place) || place.value >= low.value {
        high = place
      } else {
        if isFlat(place) { return Found(length: place.length, evaluation: place.evaluation) }
        if place.slope * (high.length - low.length) >= 0 { high = low }
        low = place
      }
    }
    return found(low)
  }

  private func found(_ place: Place) -> Found? {
    place.length > 0 && place.value < origin.value
      ? Found(length: place.length, evaluation: place.evaluation) : nil
  }

  private func isDecrease(_ place: Place) -> Bool {
    place.value <= origin.value + Self.decrease * place.length * origin.slope
  }

  private func isFlat(_ place: Place) -> Bool {
    abs(place.slope) <= -Self.curvature * origin.slope
  }

  private mutating func place<Failure: Error>(
    at length: Double, _ evaluate: ([Double]) throws(Failure) -> LBFGS.Evaluation
  ) throws(Failure) -> Place {
    evaluationCount += 1
    let evaluation = try evaluate(zip(point, direction).map { $0 + length * $1 })
    return Place(
      length: length, value: evaluation.value,
      slope: LBFGS.dot(evaluation.gradient, direction), evaluation: evaluation)
  }

  /// Returns the least place of the cubic through both values and slopes (equation 3.59), kept away
  /// from the ends.
  private static func minimum(_ a: Place, _ b: Place) -> Double {
    let middle = (a.length + b.length) / 2
    let first = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length)
    let square = first * first - a.slope * b.slope
    guard square >= 0 else { return middle }
    let second = (b.length > a.length ? 1 : -1) * square.squareRoot()
    let length =
      b.length - (b.length - a.length) * (b.slope + second - first)
      / (b.slope - a.slope + 2 * second)
    let (low, high) = (min(a.length, b.length), max(a.length, b.length))
    let margin = 0.1 * (high - low)
    guard length.isFinite, low + margin...high - margin ~= length else { return middle }
    return length
  }
}
