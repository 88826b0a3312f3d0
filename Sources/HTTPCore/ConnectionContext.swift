/// What a connection needs to know from outside while it deals with an event.
package struct ConnectionContext {
  package var now: Connection.Instant
  /// The `Date` field's value.
  package var date: () -> String
  /// Asked once per request, when its head is complete.
  package var route: (RequestHead) -> HeadDecision
  /// The answer to what cannot be read as a request.
  package var answer: (ParseFailure) -> Response

  package init(
    now: Connection.Instant, date: @escaping () -> String,
    route: @escaping (RequestHead) -> HeadDecision,
    answer: @escaping (ParseFailure) -> Response = \.response
  ) {
    self.now = now
    self.date = date
    self.route = route
    self.answer = answer
  }
}
