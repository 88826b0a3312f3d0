import Numbers

/// Name of one view: the same key gives the same random numbers, whoever asks in whatever order.
///
/// Nothing has to be kept of views that were drawn, so that training can go on in the middle of an
/// epoch.
package struct AugmentationKey: Sendable, Hashable {
  package var seed: UInt64
  package var epoch: Int
  package var image: Int

  package init(seed: UInt64, epoch: Int, image: Int) {
    (self.seed, self.epoch, self.image) = (seed, epoch, image)
  }

  /// Random numbers of one operation on this view.
  func draws(_ operation: String) -> Draws {
    Draws(ReproducibleNumbers("augmentation \(seed) \(epoch) \(image) \(operation)"))
  }

  /// Random numbers of one operation that are the same in all epochs.
  func lastingDraws(_ operation: String) -> Draws {
    Draws(ReproducibleNumbers("augmentation \(seed) \(image) \(operation)"))
  }
}

/// Random numbers, taken one after the other.
struct Draws {
  private let numbers: ReproducibleNumbers
  private var index = 0

  init(_ numbers: ReproducibleNumbers) { self.numbers = numbers }

  /// Takes a number in `[0, 1)`.
  mutating func fraction() -> Double {
    defer { index += 1 }
    return Double(numbers.fraction(index))
  }

  mutating func number(in range: ClosedRange<Double>) -> Double {
    range.lowerBound + fraction() * (range.upperBound - range.lowerBound)
  }

  /// Takes a whole number from 0 to below `count`.
  mutating func number(below count: Int) -> Int { Int(fraction() * Double(count)) }
}
