import Glibc
import Numbers

/// Mixture of a batch's images in pairs: Zhang et al. 2018, "mixup: Beyond Empirical Risk
/// Minimization", as its authors' program has it, with one share for the whole batch.
///
/// Share and pairs follow from the seed and the step's number alone.
package struct Mixup: Sendable {
  /// Parameters of the distribution that are allowed: below it nothing is mixed, above it everything
  /// half and half.
  package static let alphaLimit: ClosedRange<Double> = 0.01...100

  /// Share of each image itself, drawn from Beta(alpha, alpha); the rest is its partner's.
  package let share: Float
  /// Place in the batch of each image's partner.
  package let partners: [Int]

  package init(alpha: Double, imageCount: Int, seed: UInt64, step: Int) {
    precondition(Self.alphaLimit.contains(alpha), "alpha must be within its limit")
    var draws = GammaDraws(numbers: ReproducibleNumbers("mixup \(seed) \(step)"))
    let (own, other) = (draws.logarithm(shape: alpha), draws.logarithm(shape: alpha))
    // Of two gamma variates the one's share in their sum; by logarithms, since both may be tiny.
    share = Float(1 / (1 + exp(other - own)))
    let pairs = ReproducibleNumbers("mixup pairs \(seed) \(step)")
    let keys = (0..<imageCount).map { pairs.bits($0) }
    partners = (0..<imageCount).sorted { (keys[$0], $0) < (keys[$1], $1) }
  }

  /// Mixes rows of a batch: images, or targets of 0 to 1, which stay within that.
  func mixed(_ rows: [Float]) -> [Float] {
    let size = rows.count / max(1, partners.count)
    let rest = 1 - share
    var mixed = rows
    for (place, partner) in partners.enumerated() {
      let (start, other) = (place * size, partner * size)
      for offset in 0..<size {
        mixed[start + offset] = share * rows[start + offset] + rest * rows[other + offset]
      }
    }
    return mixed
  }
}

/// Variates of gamma distributions (Marsaglia and Tsang 2000, A Simple Method for Generating Gamma
/// Variables), one after the other.
private struct GammaDraws {
  let numbers: ReproducibleNumbers
  private var index = 0

  init(numbers: ReproducibleNumbers) { self.numbers = numbers }

  /// Takes a number between 0 and 1, neither of them.
  private mutating func uniform() -> Double {
    defer { index += 1 }
    return (Double(numbers.bits(index) >> 12) + 0.5) * 0x1p-52
  }

  private mutating func normal() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// Takes the logarithm of a variate.
  mutating func logarithm(shape: Double) -> Double {
    // A variate of a shape below 1 is one of the next shape times a power of a uniform one.
    let boost = shape < 1 ? log(uniform()) / shape : 0
    let d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      if log(uniform()) < x * x / 2 + d - d * v + d * log(v) { return log(d * v) + boost }
    }
  }
}
