import HTTPCore

/// Methods of HTTP.
enum Method {
  /// RFC 9110, section 9.3, and RFC 5789.
  private static let known: Set = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
  ]

  /// Whether it is another server's at least, so that the answer is 405 and not 501.
  static func isKnown(_ method: String) -> Bool { known.contains(method) }
}

extension RequestHead {
  /// Throws where the content is not what its bytes are.
  func checkContent() throws(Problem) {
    let codings = fields.tokens(of: "Content-Encoding").filter { $0 != "identity" }
    if let coding = codings.first {
      // RFC 9110, sections 12.5.3 and 15.5.16.
      var problem = Problem(
        415, "unsupported-encoding",
        "Content-Encoding \(coding) is not supported; send the content as it is")
      problem.acceptEncoding = "identity"
      throw problem
    }
    // RFC 9110, section 14.5: a part must not be taken for the whole.
    if method == "PUT", fields["Content-Range"] != nil {
      throw Problem(
        400, "partial-content", "Content-Range is not supported for PUT; send the whole content")
    }
  }
}
