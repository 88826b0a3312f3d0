/// Facts about an answer that the log shows.
package struct AnswerNotes: Sendable, Hashable {
  /// Kind of the problem that was answered; nil where there was none.
  package var problem: ProblemKind?
  /// Name of the API key that the request was asked with; nil where none was needed or known.
  package var keyName: String?
  /// Model that answered, or failed to; nil where none had a part in it.
  package var model: Model?

  package init() {}

  /// A model by its name and the short form of its version.
  package struct Model: Sendable, Hashable {
    package let name: String
    package let version: String

    package init(name: String, version: String) { (self.name, self.version) = (name, version) }
  }
}

/// An answer; the connection adds `Date`, `Content-Length` and `Connection`.
package struct Response: Sendable, Hashable {
  package var status: Int
  package var fields: HeaderFields
  package var body: [UInt8]
  /// Whether the connection says `Connection: close` with this answer and ends after it.
  package var closesConnection = false
  /// Facts for the log; they are not sent.
  package var notes = AnswerNotes()
  /// Stages that the request has passed, for its trace; they are not sent.
  package var stages: [TimedStage] = []

  package init(
    status: Int, fields: HeaderFields = HeaderFields(), body: [UInt8] = [],
    closesConnection: Bool = false
  ) {
    self.status = status
    self.fields = fields
    self.body = body
    self.closesConnection = closesConnection
  }

  package init(status: Int, contentType: String, text: String) {
    self.init(status: status, contentType: contentType, body: Array(text.utf8))
  }

  package init(status: Int, contentType: String, body: [UInt8]) {
    self.init(status: status, fields: HeaderFields([("Content-Type", contentType)]), body: body)
  }

  /// Reason phrase of a status (RFC 9110, section 15); empty for one that this server never sends.
  package static func reason(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 204: "No Content"
    case 304: "Not Modified"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    case 507: "Insufficient Storage"
    default: ""
    }
  }
}
