import Synchronization

/// Buffers of answered bodies, for bodies to come.
///
/// New memory costs a fault for each page, and freed memory goes back to the system at once.
package final class KeptBuffers: Sendable {
  /// Least size that is kept: smaller ones are as fast from the allocator.
  private static let leastByteCount = 256 << 10

  private let byteLimit: Int
  /// Buffers, oldest first.
  private let buffers = Mutex<[[UInt8]]>([])

  /// - Parameter byteLimit: Bytes of all that are kept.
  package init(byteLimit: Int) { self.byteLimit = byteLimit }

  /// Bytes that are kept now.
  package var byteCount: Int { buffers.withLock { Self.byteCount($0) } }

  /// Takes the smallest buffer with this much room, emptied, if it is at most twice as large.
  package func take(capacity: Int) -> [UInt8]? {
    guard capacity >= Self.leastByteCount else { return nil }
    var buffer: [UInt8]? = buffers.withLock { buffers in
      let fitting = buffers.indices.filter { capacity...(2 * capacity) ~= buffers[$0].capacity }
      guard let index = fitting.min(by: { buffers[$0].capacity < buffers[$1].capacity }) else {
        return nil
      }
      return buffers.remove(at: index)
    }
    // Nobody else has it by now; emptied earlier, it might have been a copy.
    buffer?.removeAll(keepingCapacity: true)
    return buffer
  }

  /// Keeps the buffer without its content. If there is no room, those kept for longest go.
  package func keep(_ buffer: consuming [UInt8]) {
    let capacity = buffer.capacity
    guard capacity >= Self.leastByteCount, capacity <= byteLimit else { return }
    let kept = buffer
    // Released outside the lock, since the system takes memory back.
    _ = buffers.withLock { buffers in
      buffers.append(kept)
      var gone: [[UInt8]] = []
      while Self.byteCount(buffers) > byteLimit { gone.append(buffers.removeFirst()) }
      return gone
    }
  }

  /// Gives all back to the system.
  package func removeAll() {
    _ = buffers.withLock { buffers in
      defer { buffers = [] }
      return buffers
    }
  }

  private static func byteCount(_ buffers: [[UInt8]]) -> Int {
    buffers.reduce(0) { $0 + $1.capacity }
  }
}
