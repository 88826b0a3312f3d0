/// Share of its route's memory budget that an arriving body takes.
///
/// It lives as long as the body: with the connection while bytes come, with the request afterwards.
/// Releasing it gives back all that it holds.
package protocol BodyHold: AnyObject, Sendable {
  /// Raises the hold to `byteCount` bytes, the next capacity of the body's buffer; false where the
  /// budget has not so much left.
  ///
  /// Called on the connection's queue and must not block. While a buffer grows, the one before it
  /// exists as well for the time of a copy: one for each I/O queue at most.
  func hold(_ byteCount: Int) -> Bool

  /// Lends an empty buffer with room for so many bytes or more; nil where there is none.
  ///
  /// One that was used before is cheaper than new memory. Its capacity beyond what `hold` was asked
  /// for is held too.
  ///
  /// Called on the connection's queue, when `hold` has agreed to as much.
  func takeBuffer(capacity: Int) -> [UInt8]?

  /// Keeps a body's buffer that nobody needs any more, for `takeBuffer`.
  func keepBuffer(_ buffer: consuming [UInt8])

  /// The answer to a request whose body of so many bytes or more does not fit, now or ever.
  func refusal(of byteCount: Int) -> Response
}

/// A hold as a value, equal to itself alone.
struct HoldReference: Sendable, Hashable {
  let hold: any BodyHold

  static func == (a: HoldReference, b: HoldReference) -> Bool { a.hold === b.hold }

  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(hold)) }
}
