package import HTTPCore

/// The fields by which a request is found again in logs and traces.
package struct RequestIdentity: Sendable, Hashable {
  package static let idByteCountLimit = 128

  package let id: String
  package let traceparent: String?

  /// From a request's fields; nil where the bytes were no request.
  package init(_ fields: HeaderFields?) {
    id = Self.id(fields)
    traceparent = Self.traceparent(fields)
  }

  /// The answer with `X-Request-Id` and the client's `traceparent`.
  package func marking(_ response: Response) -> Response {
    var response = response
    response.fields["X-Request-Id"] = id
    if let traceparent { response.fields["traceparent"] = traceparent }
    return response
  }

  /// The client's `X-Request-Id` when it is well formed, else a new one of 16 hexadecimal digits.
  private static func id(_ fields: HeaderFields?) -> String {
    if let id = fields?["X-Request-Id"], 1...idByteCountLimit ~= id.utf8.count,
      id.utf8.allSatisfy(isIDByte)
    {
      return id
    }
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The client's `traceparent` when it has the form of W3C Trace Context, section 3.2.
  private static func traceparent(_ fields: HeaderFields?) -> String? {
    guard let text = fields?["traceparent"] else { return nil }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0] != "ff", zip(parts, [2, 32, 16, 2]).allSatisfy(isHex),
      parts[0] != "00" || parts.count == 4,
      parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" })
    else { return nil }
    return text
  }

  private static func isHex(_ part: Substring, _ count: Int) -> Bool {
    part.utf8.count == count
      && part.utf8.allSatisfy {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
      }
  }

  private static func isIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._-".utf8.contains(byte)
    }
  }
}
