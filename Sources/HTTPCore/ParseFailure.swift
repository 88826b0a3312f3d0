import JSON

/// Reason for which a connection refuses a request itself, before its route or in its place.
///
/// Mostly the bytes are not a request that this server accepts.
package struct ParseFailure: Error, Hashable {
  package var status: Int
  package var kind: ProblemKind
  package var detail: String
  /// Value of `Retry-After`, where trying again may help.
  package var retryAfterSeconds: Int?

  package init(status: Int, kind: ProblemKind, detail: String, retryAfterSeconds: Int? = nil) {
    self.status = status
    self.kind = kind
    self.detail = detail
    self.retryAfterSeconds = retryAfterSeconds
  }

  static func malformed(_ detail: String) -> ParseFailure {
    ParseFailure(status: 400, kind: .malformedRequest, detail: detail)
  }

  static func tooLarge(_ status: Int, _ what: String, limit: Int) -> ParseFailure {
    let kind: ProblemKind =
      status == 414 ? .uriTooLong : status == 431 ? .headerTooLarge : .bodyTooLarge
    return ParseFailure(status: status, kind: kind, detail: "\(what) over the limit of \(limit)")
  }

  static func stalled(_ what: String, _ limit: String) -> ParseFailure {
    ParseFailure(
      status: 408, kind: .requestTimeout, detail: "the \(what) did not arrive \(limit)")
  }

  /// The failure as a problem document (RFC 9457).
  package var response: Response {
    let document: JSONValue = [
      "type": .string(kind.type), "title": .string(Response.reason(status)),
      "status": .integer(status), "detail": .string(detail),
    ]
    var response = Response(
      status: status, contentType: "application/problem+json", text: document.text)
    response.notes.problem = kind
    if let retryAfterSeconds { response.fields["Retry-After"] = String(retryAfterSeconds) }
    return response
  }
}
