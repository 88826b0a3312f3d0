import Glibc

/// Search for the temperature at which probabilities fit best (Guo et al. 2017, On Calibration of
/// Modern Neural Networks), without keeping the logits.
///
/// The mean negative log-likelihood is convex in β = 1/T. Its value and two derivatives are summed
/// up at fixed β; the least value lies where the first derivative, interpolated between two of them
/// by a cubic, is 0.
struct TemperatureSearch: Sendable {
  /// Temperatures that are looked at: 1/20 to 20, each 1.25 times the one before.
  private static let range = 0.05...20.0
  private static let betas: [Double] = {
    let ratio = 1.25
    let count = Int((log(range.upperBound / range.lowerBound) / log(ratio)).rounded(.up))
    return (0...count).map { 1 / range.upperBound * pow(ratio, Double($0)) }
  }()
  /// Exponent below which a class adds nothing to a sum.
  private static let leastExponent = -40.0

  private var count = 0
  private var values = [Double](repeating: 0, count: betas.count)
  private var slopes = [Double](repeating: 0, count: betas.count)
  private var curvatures = [Double](repeating: 0, count: betas.count)

  /// Takes in the logits of an image of a class.
  mutating func record(_ logits: [Float], label: Int) {
    let largest = Double(logits.max() ?? 0)
    let differences = logits.map { Double($0) - largest }
    let own = differences[label]
    count += 1
    for (index, beta) in Self.betas.enumerated() {
      var (sum, first, second) = (0.0, 0.0, 0.0)
      for difference in differences where beta * difference > Self.leastExponent {
        let weight = exp(beta * difference)
        sum += weight
        first += weight * difference
        second += weight * difference * difference
      }
      let mean = first / sum
      values[index] += log(sum) - beta * own
      slopes[index] += mean - own
      curvatures[index] += second / sum - mean * mean
    }
  }

  mutating func merge(_ other: TemperatureSearch) {
    count += other.count
    for index in values.indices {
      values[index] += other.values[index]
      slopes[index] += other.slopes[index]
      curvatures[index] += other.curvatures[index]
    }
  }

  struct Result: Sendable {
    var temperature: Double
    /// Mean negative log-likelihood at it.
    var logLoss: Double
  }

  /// Temperature of the least loss; nil without images, or if it lies outside of the range, as for
  /// a model without a mistake.
  var best: Result? {
    guard count > 0, let end = slopes.firstIndex(where: { $0 >= 0 }), end > 0 else { return nil }
    let start = end - 1
    let (low, width) = (Self.betas[start], Self.betas[end] - Self.betas[start])
    var (lower, upper) = (0.0, 1.0)
    // The slope rises, so that halving finds its zero to a double's last digits.
    for _ in 0..<60 {
      let middle = (lower + upper) / 2
      let slope = Self.cubic(
        middle, slopes[start], slopes[end], curvatures[start] * width, curvatures[end] * width)
      if slope < 0 { lower = middle } else { upper = middle }
    }
    let fall = Self.integral(
      lower, slopes[start], slopes[end], curvatures[start] * width, curvatures[end] * width)
    let loss = values[start] + fall * width
    return Result(temperature: 1 / (low + lower * width), logLoss: loss / Double(count))
  }

  /// Returns Hermite's cubic between two values with their slopes, at 0 to 1.
  private static func cubic(
    _ x: Double, _ start: Double, _ end: Double, _ startSlope: Double, _ endSlope: Double
  ) -> Double {
    let (x2, x3) = (x * x, x * x * x)
    return (2 * x3 - 3 * x2 + 1) * start + (x3 - 2 * x2 + x) * startSlope
      + (3 * x2 - 2 * x3) * end + (x3 - x2) * endSlope
  }

  /// Returns the integral of the same cubic from 0 on.
  private static func integral(
    _ x: Double, _ start: Double, _ end: Double, _ startSlope: Double, _ endSlope: Double
  ) -> Double {
    let (x2, x3, x4) = (x * x, x * x * x, x * x * x * x)
    return (x4 / 2 - x3 + x) * start + (x4 / 4 - 2 * x3 / 3 + x2 / 2) * startSlope
      + (x3 - x4 / 2) * end + (x4 / 4 - x3 / 3) * endSlope
  }
}
