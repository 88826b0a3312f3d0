/// How a request's body is delimited (RFC 9112, section 6).
package enum BodyFraming: Sendable, Hashable {
  case none
  case length(Int)
  case chunked

  /// Refuses everything that two parties could read differently.
  init(_ head: RequestHead) throws(ParseFailure) {
    let lengths = head.fields.values(of: "Content-Length")
    guard head.fields["Transfer-Encoding"] == nil else {
      guard head.version == .http11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
      guard lengths.isEmpty else {
        throw .malformed("both Transfer-Encoding and Content-Length")
      }
      try Self.requireChunkedAlone(head.fields)
      self = .chunked
      return
    }
    guard let text = lengths.first else {
      self = .none
      return
    }
    guard lengths.count == 1 else { throw .malformed("more than one Content-Length") }
    guard !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit) else {
      throw .malformed("Content-Length is not a number")
    }
    // What no integer holds is over every limit.
    let length = Int(text) ?? .max
    self = length == 0 ? .none : .length(length)
  }

  private static func requireChunkedAlone(_ fields: HeaderFields) throws(ParseFailure) {
    let codings = fields.tokens(of: "Transfer-Encoding")
    // RFC 9112, section 6.3: otherwise the body's end cannot be told.
    guard codings.last == "chunked", !codings.dropLast().contains("chunked") else {
      throw .malformed("Transfer-Encoding does not end in one chunked")
    }
    guard codings.count == 1 else {
      throw ParseFailure(
        status: 501, kind: .transferCoding, detail: "the only transfer coding here is chunked")
    }
    // An empty member beside it is as good as another coding to a party that splits otherwise.
    guard fields.values(of: "Transfer-Encoding").map(ASCII.lowercased) == ["chunked"] else {
      throw .malformed("Transfer-Encoding has empty members")
    }
  }
}
