import HTTPCore

/// Bytes that grow up to a limit, in memory that a hold has counted before it is taken.
struct HeldBytes {
  private(set) var bytes: [UInt8] = []
  let hold: any BodyHold
  /// Bytes that there may be.
  let limit: Int
  /// Bytes of memory that the hold has for them.
  private(set) var capacity = 0

  init(_ hold: any BodyHold, limit: Int) { (self.hold, self.limit) = (hold, limit) }

  /// Makes room before the first bytes come, in a buffer of an earlier body if there is one. Returns
  /// false if there is no memory.
  mutating func begin(capacity wanted: Int) -> Bool {
    guard hold.hold(wanted) else { return false }
    capacity = wanted
    if let buffer = hold.takeBuffer(capacity: wanted) {
      bytes = buffer
      capacity = buffer.capacity
    } else {
      bytes.reserveCapacity(wanted)
    }
    return true
  }

  /// Returns the size of memory for so many bytes: twice what there is, if that is more.
  func capacity(for count: Int) -> Int { min(max(count, 2 * capacity), limit) }

  /// Adds bytes, which must not exceed the limit. Returns false if there is no memory for them.
  mutating func append(_ piece: some Collection<UInt8>) -> Bool {
    let count = bytes.count + piece.count
    precondition(count <= limit, "bytes must not exceed their limit")
    if count > capacity {
      let larger = capacity(for: count)
      // Both are there while one is copied.
      guard hold.hold(capacity + larger) else { return false }
      bytes.reserveCapacity(larger)
      capacity = larger
      _ = hold.hold(larger)
    }
    bytes.append(contentsOf: piece)
    return true
  }
}
