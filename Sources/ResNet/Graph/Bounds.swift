/// Numbers that others are kept between, or are known to lie between; both may be infinite.
package struct Bounds: Sendable, Hashable {
  package var lower: Float
  package var upper: Float

  package init(_ lower: Float, _ upper: Float) { (self.lower, self.upper) = (lower, upper) }

  package static let none = Bounds(-.infinity, .infinity)
  /// Those of a rectifier.
  package static let nonnegative = Bounds(0, .infinity)

  package var isNonnegative: Bool { lower >= 0 }

  /// Returns the number, or the bound that it lies beyond.
  package func clip(_ number: Float) -> Float { min(max(number, lower), upper) }

  /// Returns the bounds of numbers within these that are clipped to others.
  package func clipped(to other: Bounds) -> Bounds {
    Bounds(other.clip(lower), other.clip(upper))
  }

  /// Returns the bounds of numbers that are within these or others.
  func joined(with other: Bounds) -> Bounds {
    Bounds(min(lower, other.lower), max(upper, other.upper))
  }

  /// Returns the bounds in another unit, which must be above 0.
  package func scaled(by factor: Float) -> Bounds { Bounds(lower * factor, upper * factor) }

  /// Tells whether numbers within these lie beyond others by no more than a tolerance.
  package func areWithin(_ other: Bounds, tolerance: Float) -> Bool {
    lower >= other.lower - tolerance && upper <= other.upper + tolerance
  }
}
