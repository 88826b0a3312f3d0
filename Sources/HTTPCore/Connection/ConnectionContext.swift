/// Knowledge that a connection needs from outside while it deals with an event.
package struct ConnectionContext {
  package var now: ContinuousClock.Instant
  /// The `Date` field's value.
  package var date: () -> String
  /// Decides about a request; asked once, when its head is complete.
  package var route: (RequestHead) -> HeadDecision
  /// Answers bytes that cannot be read as a request, given the fields that are known of it.
  package var answer: (ParseFailure, HeaderFields?) -> Response

  package init(
    now: ContinuousClock.Instant, date: @escaping () -> String,
    route: @escaping (RequestHead) -> HeadDecision,
    answer: @escaping (ParseFailure, HeaderFields?) -> Response = { failure, _ in failure.response }
  ) {
    self.now = now
    self.date = date
    self.route = route
    self.answer = answer
  }
}
