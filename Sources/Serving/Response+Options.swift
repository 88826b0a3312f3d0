import HTTPCore

extension Response {
  /// To OPTIONS: what is possible here (RFC 9110, section 9.3.7).
  static func options(_ methods: [String]) -> Response {
    Response(status: 204, fields: HeaderFields([("Allow", methods.joined(separator: ", "))]))
  }
}
