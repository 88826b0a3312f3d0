/// Why bytes are no request that this server takes; the connection closes after the answer.
package struct ParseFailure: Error, Hashable {
  package var status: Int
  /// The last part of the problem's type, `urn:resnetd:problem:KIND`.
  package var kind: String
  package var detail: String

  static func malformed(_ detail: String) -> ParseFailure {
    ParseFailure(status: 400, kind: "malformed-request", detail: detail)
  }

  static func tooLarge(_ status: Int, _ what: String, limit: Int) -> ParseFailure {
    let kind =
      status == 414 ? "uri-too-long" : status == 431 ? "header-too-large" : "body-too-large"
    return ParseFailure(status: status, kind: kind, detail: "\(what) over the limit of \(limit)")
  }

  /// As an RFC 9457 problem document; kinds and details are ours and need no escaping.
  package var response: Response {
    Response(
      status: status, contentType: "application/problem+json",
      text: #"{"type":"urn:resnetd:problem:\#(kind)","title":"\#(Response.reason(status))","#
        + #""status":\#(status),"detail":"\#(detail)"}"#)
  }
}
