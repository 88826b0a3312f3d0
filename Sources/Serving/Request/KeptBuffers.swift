import Synchronization

/// Buffers of bodies that have been answered, for those that come: new memory costs a fault for each page, and what is
/// freed goes back to the system at once.
package final class KeptBuffers: Sendable {
  /// Smaller ones are as fast from the allocator.
  private static let leastByteCount = 256 << 10

  private let byteLimit: Int
  /// Oldest first.
  private let buffers = Mutex<[[UInt8]]>([])

  /// - Parameter byteLimit: Of all that are kept.
  package init(byteLimit: Int) { self.byteLimit = byteLimit }

  /// Bytes that are kept now.
  package var byteCount: Int { buffers.withLock { Self.byteCount($0) } }

  /// The smallest buffer, empty, with so much room, if it is at most twice as large.
  package func take(capacity: Int) -> [UInt8]? {
    guard capacity >= Self.leastByteCount else { return nil }
    var buffer: [UInt8]? = buffers.withLock { buffers in
      let fitting = buffers.indices.filter { capacity...(2 * capacity) ~= buffers[$0].capacity }
      guard let index = fitting.min(by: { buffers[$0].capacity < buffers[$1].capacity }) else {
        return nil
      }
      return buffers.remove(at: index)
    }
    // Nobody else has it by now: emptied earlier it might have been a copy.
    buffer?.removeAll(keepingCapacity: true)
    return buffer
  }

  /// Keeps the buffer without its content; those kept for longest go where there is no room.
  package func keep(_ buffer: consuming [UInt8]) {
    let capacity = buffer.capacity
    guard capacity >= Self.leastByteCount, capacity <= byteLimit else { return }
    let kept = buffer
    // Let go of outside the lock: the system takes memory back.
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
