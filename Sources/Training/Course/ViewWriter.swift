import Inference

/// Writes images one after the other, on several threads.
package struct ViewWriter: Sendable {
  private let images: any TrainingImages
  private let size: Int

  /// - Parameter size: Numbers of an image.
  package init(_ images: any TrainingImages, size: Int) {
    (self.images, self.size) = (images, size)
  }

  /// Returns these views, `[N, C, H, W]`.
  package func numbers(_ views: [ImageView], threads: Int) -> [Float] {
    let partCount = max(1, min(threads, views.count))
    let parts = WorkerThread.parts(partCount, threads: threads) { [self] part, _ in
      let range = views.count * part / partCount..<views.count * (part + 1) / partCount
      var numbers = [Float](repeating: 0, count: range.count * size)
      var span = numbers.mutableSpan
      for (place, view) in views[range].enumerated() {
        var image = span._mutatingExtracting(place * size..<(place + 1) * size)
        images.write(view.image, epoch: view.epoch, into: &image)
      }
      return numbers
    }
    return Array(parts.joined())
  }
}
