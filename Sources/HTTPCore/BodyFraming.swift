/// Delimitation of a request's body (RFC 9112, section 6).
package enum BodyFraming: Sendable, Hashable {
  case none
  case length(Int)
  case chunked

  /// Reads the fields, and refuses everything that two parties could read differently.
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
    // A number that no integer holds is over every limit.
    let length = Int(text) ?? .max
    self = length == 0 ? .none : .length(length)
  }

  private static func requireChunkedAlone(_ fields: HeaderFields) throws(ParseFailure) {
    let codings = fields.tokens(of: "Transfer-Encoding")
    // RFC 9112, section 6.3: otherwise nobody can tell where the body ends.
    guard codings.last == "chunked", !codings.dropLast().contains("chunked") else {
      throw .malformed("Transfer-Encoding does not end in one chunked")
    }
    guard codings.count == 1 else {
      throw ParseFailure(
        status: 501, kind: .transferCoding, detail: "the only transfer coding here is chunked")
    }
    // A party that splits the list otherwise may take an empty member for another coding.
    guard fields.values(of: "Transfer-Encoding").map(ASCII.lowercased) == ["chunked"] else {
      throw .malformed("Transfer-Encoding has empty members")
    }
  }
}
