/// What a route says to a request's head, before its body is read.
package enum HeadDecision: Sendable, Hashable {
  /// Read the body, up to so many bytes.
  case accept(bodyByteLimit: Int)
  /// Hand the body over as it arrives, up to so many bytes in all.
  case stream(bodyByteLimit: Int, to: BodyDestination)
  /// Answer this at once; a body is not read, and the connection ends if there is one.
  case answer(Response)
}
