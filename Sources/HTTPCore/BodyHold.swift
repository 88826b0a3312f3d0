/// What a body that arrives takes of a memory budget, which the route owns.
package protocol BodyHold: AnyObject, Sendable {
  /// Takes as much more as brings the hold to `byteCount` bytes; false where there is not so much. Must not block.
  func hold(_ byteCount: Int) -> Bool

  /// The answer to a request whose body does not fit.
  var refusal: Response { get }
}
