/// How a request's body is delimited (RFC 9112, section 6).
package enum BodyFraming: Sendable, Hashable {
  case none
  case length(Int)
  case chunked

  /// Refuses everything that two parties could read differently.
  init(_ head: RequestHead) throws(ParseFailure) {
    let lengths = head.fields.values(of: "Content-Length")
    let codings = head.fields.values(of: "Transfer-Encoding")
    guard codings.isEmpty else {
      self = try Self.transferCoding(codings, lengths: lengths, version: head.version)
      return
    }
    guard let text = lengths.first else {
      self = .none
      return
    }
    guard lengths.count == 1 else { throw .malformed("more than one Content-Length") }
    guard !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit), let length = Int(text) else {
      throw .malformed("Content-Length is no number")
    }
    self = length == 0 ? .none : .length(length)
  }

  private static func transferCoding(
    _ codings: [String], lengths: [String], version: HTTPVersion
  ) throws(ParseFailure) -> BodyFraming {
    guard version == .http11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
    guard lengths.isEmpty else {
      throw .malformed("both Transfer-Encoding and Content-Length")
    }
    guard codings.count == 1, codings[0].lowercased() == "chunked" else {
      if codings.contains(where: { $0.lowercased().contains("chunked") }) {
        throw .malformed("Transfer-Encoding is more than chunked")
      }
      throw ParseFailure(
        status: 501, kind: "transfer-coding", detail: "the only transfer coding here is chunked")
    }
    return .chunked
  }
}
