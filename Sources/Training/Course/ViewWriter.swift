import Inference
import Synchronization

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
    let threads = max(1, min(threads, members.count))
    let parts = WrittenParts(count: threads)
    let (images, size) = (images, size)
    let work: @Sendable (Int) -> Void = { thread in
      let range = members.count * thread / threads..<members.count * (thread + 1) / threads
      var numbers = [Float](repeating: 0, count: range.count * size)
      var span = numbers.mutableSpan
      for (place, member) in members[range].enumerated() {
        var image = span._mutatingExtracting(place * size..<(place + 1) * size)
        images.write(member, epoch: epoch, into: &image)
      }
      parts.record(thread, numbers)
    }
    // Where the system refuses threads, this one does what they would.
    if threads == 1 || !WorkerThread.runSideBySide(threads, work) {
      for thread in 0..<threads where !parts.has(thread) { work(thread) }
    }
    return parts.joined
  }
}

/// Parts of a batch, in order.
private final class WrittenParts: Sendable {
  private let parts: Mutex<[[Float]]>

  init(count: Int) { parts = Mutex([[Float]](repeating: [], count: count)) }

  func record(_ part: Int, _ numbers: [Float]) { parts.withLock { $0[part] = numbers } }

  func has(_ part: Int) -> Bool { parts.withLock { !$0[part].isEmpty } }

  var joined: [Float] { parts.withLock { Array($0.joined()) } }
}
