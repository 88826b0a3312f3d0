/// What a route says to a request's head, before its body is read.
package enum HeadDecision: Sendable, Equatable {
  /// Read the body, up to so many bytes, as far as its hold allows and until the deadline.
  case accept(
    bodyByteLimit: Int, hold: (any BodyHold)? = nil, deadline: BodyDeadline? = nil)
  /// Hand the body over as it arrives, up to so many bytes in all.
  case stream(bodyByteLimit: Int, to: BodyDestination)
  /// Answer this at once; a body is not read, and the connection ends if there is one.
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

/// How long a client gives a request of its own, and what it is told when its body takes longer.
package struct BodyDeadline: Sendable, Hashable {
  /// From the request's first byte; counts where it is earlier than the connection's own limit.
  package var duration: Duration
  package var response: Response

  package init(after duration: Duration, response: Response) {
    self.duration = duration
    self.response = response
  }
}
