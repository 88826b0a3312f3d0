/// Reason for which a connection refuses a request itself, before its route or in its place.
///
/// Mostly the bytes are not a request that this server accepts.
package struct ParseFailure: Error, Hashable {
  package var status: Int
  /// The last part of the problem's type, `urn:resnetd:problem:KIND`.
  package var kind: String
  package var detail: String
  /// Value of `Retry-After`, where trying again may help.
  package var retryAfterSeconds: Int?

  package init(status: Int, kind: String, detail: String, retryAfterSeconds: Int? = nil) {
    self.status = status
    self.kind = kind
    self.detail = detail
    self.retryAfterSeconds = retryAfterSeconds
  }

  static func malformed(_ detail: String) -> ParseFailure {
    ParseFailure(status: 400, kind: "malformed-request", detail: detail)
  }

  static func tooLarge(_ status: Int, _ what: String, limit: Int) -> ParseFailure {
    let kind =
      status == 414 ? "uri-too-long" : status == 431 ? "header-too-large" : "body-too-large"
    return ParseFailure(status: status, kind: kind, detail: "\(what) over the limit of \(limit)")
  }

  static func stalled(_ what: String, _ limit: String) -> ParseFailure {
    ParseFailure(
      status: 408, kind: "request-timeout", detail: "the \(what) did not arrive \(limit)")
  }

  /// The failure as a problem document (RFC 9457); kinds and details are ours and need no escaping.
  package var response: Response {
    var response = Response(
      status: status, contentType: "application/problem+json",
      text: #"{"type":"urn:resnetd:problem:\#(kind)","title":"\#(Response.reason(status))","#
        + #""status":\#(status),"detail":"\#(detail)"}"#)
    if let retryAfterSeconds { response.fields["Retry-After"] = String(retryAfterSeconds) }
    return response
  }
}
