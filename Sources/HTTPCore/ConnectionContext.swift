/// What a connection needs to know from outside while it deals with an event.
package struct ConnectionContext {
  package var now: Connection.Instant
  /// The `Date` field's value.
  package var date: () -> String
  /// Asked once per request, when its head is complete.
  package var route: (RequestHead) -> HeadDecision
  /// The answer to what cannot be read as a request, with the fields that are known of it.
  package var answer: (ParseFailure, HeaderFields?) -> Response

  package init(
    now: Connection.Instant, date: @escaping () -> String,
    route: @escaping (RequestHead) -> HeadDecision,
    answer: @escaping (ParseFailure, HeaderFields?) -> Response = { failure, _ in failure.response }
  ) {
    self.now = now
    self.date = date
    self.route = route
    self.answer = answer
  }
}
