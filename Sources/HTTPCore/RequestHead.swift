/// A request's line and header fields (RFC 9112, section 2.1).
package struct RequestHead: Sendable, Hashable {
  /// As sent; methods are case-sensitive.
  package var method: String
  package var target: RequestTarget
  package var version: HTTPVersion
  package var fields: HeaderFields

  package init(
    method: String, target: RequestTarget, version: HTTPVersion = .http11,
    fields: HeaderFields = HeaderFields()
  ) {
    self.method = method
    self.target = target
    self.version = version
    self.fields = fields
  }
}

package enum HTTPVersion: Sendable, Hashable { case http10, http11 }

/// A whole request.
package struct Request: Sendable, Hashable {
  package var head: RequestHead
  package var body: [UInt8]
  /// Fields behind a chunked body, without those that may not come there (RFC 9110, section 6.5.1).
  package var trailers: HeaderFields
  /// Where the body went if it was streamed; `body` is empty then.
  package var destination: BodyDestination?

  package init(
    head: RequestHead, body: [UInt8] = [], trailers: HeaderFields = HeaderFields(),
    destination: BodyDestination? = nil
  ) {
    self.head = head
    self.body = body
    self.trailers = trailers
    self.destination = destination
  }
}
