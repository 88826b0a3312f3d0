/// Serializer of responses into bytes (RFC 9112, section 4).
package enum ResponseSerializer {
  /// The interim answer to `Expect: 100-continue`.
  package static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

  /// Writes a response; one to HEAD has the length of its body but not the body.
  ///
  /// - Parameter date: Value of the `Date` field.
  package static func bytes(
    _ response: Response, date: String, toHead: Bool, closing: Bool, keepAliveToHTTP10: Bool
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(256 + response.body.count)
    bytes.append(
      contentsOf: "HTTP/1.1 \(response.status) \(Response.reason(response.status))\r\n".utf8)
    append("Date", date, to: &bytes)
    for field in response.fields.fields { append(field.name, field.value, to: &bytes) }
    // RFC 9110, section 8.6: no length where there is never content.
    if response.status >= 200, response.status != 204, response.status != 304 {
      append("Content-Length", String(response.body.count), to: &bytes)
    }
    if closing {
      append("Connection", "close", to: &bytes)
    } else if keepAliveToHTTP10 {
      append("Connection", "keep-alive", to: &bytes)
    }
    bytes.append(ASCII.carriageReturn)
    bytes.append(ASCII.lineFeed)
    if !toHead, response.status != 204, response.status != 304 {
      bytes.append(contentsOf: response.body)
    }
    return bytes
  }

  /// Appends a field; control characters, which would end it early, become blanks (RFC 9110,
  /// section 5.5).
  private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: name.utf8)
    bytes.append(ASCII.colon)
    bytes.append(ASCII.space)
    for byte in value.utf8 { bytes.append(ASCII.isFieldContent(byte) ? byte : ASCII.space) }
    bytes.append(ASCII.carriageReturn)
    bytes.append(ASCII.lineFeed)
  }
}
