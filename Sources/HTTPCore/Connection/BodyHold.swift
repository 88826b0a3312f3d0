/// What a body that arrives takes of a memory budget, which the route owns.
///
/// It lives as long as the body: with the connection while bytes come, with the request afterwards. Letting it go gives
/// back what it holds.
package protocol BodyHold: AnyObject, Sendable {
  /// Takes as much more as brings the hold to `byteCount` bytes, the capacity that the body's buffer gets next; false
  /// where there is not so much.
  ///
  /// Called on the connection's queue and must not block. While a buffer grows, the one before it stands for the
  /// time of a copy as well: one for each I/O queue at most.
  func hold(_ byteCount: Int) -> Bool

  /// An empty buffer with room for so many bytes or more, used before, which is cheaper than new memory; nil for none. What
  /// it has more than `hold` was asked for is held too.
  ///
  /// Called on the connection's queue, when `hold` has agreed to as much.
  func takeBuffer(capacity: Int) -> [UInt8]?

  /// Takes a body's buffer when nobody needs it any more, for `takeBuffer`.
  func keepBuffer(_ buffer: consuming [UInt8])

  /// The answer to a request whose body of so many bytes, or more, does not fit, at the moment or at all.
  func refusal(of byteCount: Int) -> Response
}

/// A hold as a value; equal to itself alone.
struct HoldReference: Sendable, Hashable {
  let hold: any BodyHold

  static func == (a: HoldReference, b: HoldReference) -> Bool { a.hold === b.hold }

  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(hold)) }
}
