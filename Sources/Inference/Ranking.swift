import Glibc

/// Logits as probabilities, best first.
package enum Ranking {
  package struct Entry: Sendable, Hashable {
    package var index: Int
    package var probability: Float
  }

  /// Returns a softmax over all classes in double precision. It is relative to the largest logit,
  /// so that it neither overflows nor depends on a common offset.
  package static func probabilities(_ logits: ArraySlice<Float>) -> [Float] {
    guard let largest = logits.max() else { return [] }
    let exponentials = logits.map { exp(Double($0) - Double(largest)) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { Float($0 / sum) }
  }

  /// Returns the class with the largest number, the first of several, or nil for an empty array.
  package static func best(_ numbers: [Float]) -> Int? {
    numbers.indices.max { (numbers[$0], $1) < (numbers[$1], $0) }
  }

  /// Returns the `count` largest of at least `minimum`, descending, ties by index.
  package static func top(
    _ probabilities: [Float], count: Int, minimum: Float
  ) -> [Entry] {
    probabilities.enumerated().filter { $0.element >= minimum }
      .sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
      .prefix(count)
      .map { Entry(index: $0.offset, probability: $0.element) }
  }
}
