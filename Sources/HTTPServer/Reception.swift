package import HTTPCore

/// A handler's decision about a request, made at its head, before its body is read and before
/// `100 Continue` is sent.
package enum Reception: Sendable {
  /// Answer this at once; a body is not read, and if there is one the connection ends.
  case answer(Response)
  /// Read the body, up to so many bytes, as far as its hold allows and until the deadline; then
  /// have the request handled.
  case accept(
    bodyByteLimit: Int, hold: (any BodyHold)? = nil, deadline: BodyDeadline? = nil,
    then: Handling)
  /// Hand the body over as it arrives, up to so many bytes in all; then have the request handled,
  /// whose own body is empty.
  case stream(bodyByteLimit: Int, to: any BodySink, then: Handling)

  /// The decision without the handling, for the state machine of the connection.
  var decision: HeadDecision {
    switch self {
    case .answer(let response): .answer(response)
    case .accept(let limit, let hold, let deadline, _):
      .accept(bodyByteLimit: limit, hold: hold, deadline: deadline)
    case .stream(let limit, let sink, _):
      .stream(bodyByteLimit: limit, to: BodyDestination(sink))
    }
  }

  var handling: Handling? {
    switch self {
    case .answer: nil
    case .accept(_, _, _, let handling), .stream(_, _, let handling): handling
    }
  }
}

/// Handling of one complete request: it knows what was worked out at the head.
///
/// The exchange must be answered, from any thread, now or later. A struct, since a closure in a
/// generic type is wrapped anew at every read.
package struct Handling: Sendable {
  package let run: @Sendable (Request, Exchange) -> Void
  /// Answers in the handler's place if the connection refuses the request's body; nil to have the
  /// handler answer.
  package let refuse: (@Sendable (ParseFailure) -> Response)?

  package init(
    refusing refuse: (@Sendable (ParseFailure) -> Response)? = nil,
    _ run: @escaping @Sendable (Request, Exchange) -> Void
  ) {
    (self.run, self.refuse) = (run, refuse)
  }
}
