import Inference

/// Writes images one after the other, on several threads.
package struct ViewWriter: Sendable {
  private let images: any TrainingImages
  private let size: Int

  /// - Parameter size: Numbers of an image.
  package init(_ images: any TrainingImages, size: Int) {
    (self.images, self.size) = (images, size)
  }

  /// Returns these images as an epoch sees them, `[N, C, H, W]`.
  package func views(_ members: [Int], epoch: Int, threads: Int) -> [Float] {
    let partCount = max(1, min(threads, members.count))
    let parts = WorkerThread.parts(partCount, threads: threads) { [self] part, _ in
      let range = members.count * part / partCount..<members.count * (part + 1) / partCount
      var numbers = [Float](repeating: 0, count: range.count * size)
      var span = numbers.mutableSpan
      for (place, member) in members[range].enumerated() {
        var image = span._mutatingExtracting(place * size..<(place + 1) * size)
        images.write(member, epoch: epoch, into: &image)
      }
      return numbers
    }
    return Array(parts.joined())
  }
}
