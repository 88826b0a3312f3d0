/// A route's decision about a request, made at its head, before its body is read.
package enum HeadDecision: Sendable, Equatable {
  /// Read the body, up to so many bytes, as far as its hold allows and until the deadline.
  case accept(
    bodyByteLimit: Int, hold: (any BodyHold)? = nil, deadline: BodyDeadline? = nil)
  /// Hand the body over as it arrives, up to so many bytes in all.
  case stream(bodyByteLimit: Int, to: BodyDestination)
  /// Answer this at once; a body is not read, and if there is one the connection ends.
  case answer(Response)

  package static func == (a: HeadDecision, b: HeadDecision) -> Bool {
    switch (a, b) {
    case (.accept(let a, let hold, let deadline), .accept(let b, let other, let otherDeadline)):
      a == b && hold === other && deadline == otherDeadline
    case (.stream(let a, let destination), .stream(let b, let other)):
      a == b && destination == other
    case (.answer(let a), .answer(let b)): a == b
    case (.accept, _), (.stream, _), (.answer, _): false
    }
  }
}

/// Time that a client gives its own request, and the answer where its body takes longer.
package struct BodyDeadline: Sendable, Hashable {
  /// Time from the request's first byte; counts where it ends before the connection's own limit.
  package var duration: Duration
  package var response: Response

  package init(after duration: Duration, response: Response) {
    self.duration = duration
    self.response = response
  }
}
