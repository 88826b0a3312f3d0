package import Checkpoint
import Glibc

/// The best classes of one image, best first.
package struct Ranking: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package var index: Int
    /// Its probability, or its score if the model gives scores.
    package var value: Float

    package init(index: Int, value: Float) { (self.index, self.value) = (index, value) }
  }

  package var entries: [Entry]
  /// Whether the best class is less probable than the model's threshold; nil if it has none.
  package var isUnsure: Bool?

  /// An empty ranking, of an image whose classes nobody asks for.
  package init() { entries = [] }

  /// Ranks an image's numbers, one per label: the `count` largest of at least `minimum`, if given,
  /// descending, ties by index.
  package init(_ numbers: [Float], by rule: OutputRule, count: Int, minimum: Float?) {
    entries = numbers.enumerated().filter { item in minimum.map { item.element >= $0 } ?? true }
      .sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
      .prefix(count)
      .map { Entry(index: $0.offset, value: $0.element) }
    isUnsure = rule.threshold.map { threshold in numbers.allSatisfy { $0 < threshold } }
  }

  /// Returns the class with the largest number, the first of several, or nil for an empty array.
  package static func best(_ numbers: [Float]) -> Int? {
    numbers.indices.max { (numbers[$0], $1) < (numbers[$1], $0) }
  }
}

extension OutputRule {
  /// Returns one number per label of an image's outputs, computed in double precision.
  package func numbers(_ outputs: ArraySlice<Float>, labelCount: Int) -> [Float] {
    let scaled = outputs.map { Double($0) / Double(temperature) }
    switch activation {
    case .softmax:
      // Relative to the largest, so that nothing overflows or depends on a common offset.
      guard let largest = scaled.max() else { return [] }
      let exponentials = scaled.map { exp($0 - largest) }
      let sum = exponentials.reduce(0, +)
      return exponentials.map { Float($0 / sum) }
    case .sigmoid:
      guard labelCount == 2, let only = scaled.first, scaled.count == 1 else {
        return scaled.map { Float(Self.sigmoid($0)) }
      }
      return [Float(Self.sigmoid(-only)), Float(Self.sigmoid(only))]
    case .none: return Array(outputs)
    }
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
