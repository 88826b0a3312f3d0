import Numbers

/// Order in which images are trained on: every epoch has each once, shuffled anew.
///
/// Which images a step has follows from the seed and the step's number alone, so that training goes
/// on in the middle of an epoch without any state.
package struct BatchOrder: Sendable {
  package let imageCount: Int
  /// Images of a batch at most.
  package let batchImageCount: Int
  private let seed: UInt64
  private var epoch = -1
  private var shuffled: [Int] = []

  /// - Parameter imageCount: At least one.
  package init(imageCount: Int, batchImageCount: Int, seed: UInt64) {
    precondition(imageCount > 0 && batchImageCount > 0, "there must be images in a batch")
    (self.imageCount, self.batchImageCount, self.seed) = (imageCount, batchImageCount, seed)
  }

  /// Steps of an epoch. Its batches differ by one image at most, so that none is so small that its
  /// statistics say nothing.
  package var stepsPerEpoch: Int { (imageCount + batchImageCount - 1) / batchImageCount }

  package func epoch(of step: Int) -> Int { step / stepsPerEpoch }

  /// Returns the images of a step, counted from 0.
  package mutating func images(of step: Int) -> [Int] {
    let wanted = epoch(of: step)
    if wanted != epoch {
      let numbers = ReproducibleNumbers("order \(seed) \(wanted)")
      let keys = (0..<imageCount).map { numbers.bits($0) }
      shuffled = (0..<imageCount).sorted { (keys[$0], $0) < (keys[$1], $1) }
      epoch = wanted
    }
    let place = step % stepsPerEpoch
    return Array(
      shuffled[place * imageCount / stepsPerEpoch..<(place + 1) * imageCount / stepsPerEpoch])
  }
}
