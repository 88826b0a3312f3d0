/// A request's line and header fields (RFC 9112, section 2.1).
package struct RequestHead: Sendable, Hashable {
  /// Method as sent; methods are case-sensitive.
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

  /// Whether the client wants the connection to stay (RFC 9112, section 9.3).
  var persists: Bool {
    let options = fields.tokens(of: "Connection")
    return !options.contains("close") && (version == .http11 || options.contains("keep-alive"))
  }

  /// Memory that it takes, approximately.
  var byteCount: Int {
    fields.fields.reduce(target.raw.utf8.count) { count, field in
      count + field.name.utf8.count + field.value.utf8.count
        + MemoryLayout<HeaderFields.Field>.stride
    }
  }
}

package enum HTTPVersion: Sendable, Hashable { case http10, http11 }

/// A whole request.
package struct Request: Sendable, Hashable {
  package var head: RequestHead
  /// Empty if it was streamed.
  package var body: [UInt8]
  /// Fields after a chunked body, without those that may not come there (RFC 9110, section
  /// 6.5.1).
  package var trailers: HeaderFields
  private var holdReference: HoldReference?

  package init(
    head: RequestHead, body: [UInt8] = [], trailers: HeaderFields = HeaderFields(),
    hold: (any BodyHold)? = nil
  ) {
    self.head = head
    self.body = body
    self.trailers = trailers
    self.hold = hold
  }

  /// The body's share of its route's budget: whoever owns the body releases both together.
  package var hold: (any BodyHold)? {
    get { holdReference?.hold }
    set { holdReference = newValue.map(HoldReference.init) }
  }
}
