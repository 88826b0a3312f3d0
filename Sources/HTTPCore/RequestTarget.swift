import Words

/// Target of a request (RFC 9112, section 3.2), its path and query decoded.
package struct RequestTarget: Sendable, Hashable {
  package struct QueryItem: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The target as sent, for logs.
  package var raw: String
  /// Path, percent-decoded but for slashes, which would part a segment where it has one as a
  /// character (RFC 3986, section 2.2); `*` for a request about the server as a whole.
  package var path: String
  package var query: [QueryItem]

  /// Reads origin form, absolute form and `*`; nil where the string is none of them.
  package init?(_ raw: String) {
    self.raw = raw
    var rest = raw[...]
    if raw == "*" {
      path = "*"
      query = []
      return
    }
    if !rest.hasPrefix("/") {
      guard let authority = Self.afterScheme(rest), !authority.isEmpty else { return nil }
      let start = authority.firstIndex { $0 == "/" || $0 == "?" } ?? authority.endIndex
      guard start != authority.startIndex, Self.isAuthority(authority[..<start]) else {
        return nil
      }
      rest = authority[start...]
    }
    // By bytes: finding characters in a string takes ten times as long.
    let bytes = rest.utf8
    let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
    let pathText = bytes[..<mark]
    guard
      let path = pathText.isEmpty
        ? "/" : PercentEscapes.decoded(pathText, keeping: UInt8(ascii: "/"))
    else {
      return nil
    }
    self.path = path
    query = []
    for pair in bytes[mark...].dropFirst().split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      guard let name = PercentEscapes.decoded(pair[..<equals], plusIsBlank: true),
        let value = PercentEscapes.decoded(pair[equals...].dropFirst(), plusIsBlank: true)
      else { return nil }
      query.append(QueryItem(name: name, value: value))
    }
  }

  /// Whether this is a uri-host, which is not empty, with an optional port (RFC 9110, section 7.2;
  /// RFC 3986, section 3.2.2).
  package static func isAuthority(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    let hostEnd =
      if bytes.first == UInt8(ascii: "[") {
        bytes.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 } ?? bytes.count
      } else {
        bytes.firstIndex(of: ASCII.colon) ?? bytes.count
      }
    let (host, rest) = (bytes[..<hostEnd], bytes[hostEnd...])
    guard rest.isEmpty || (rest.first == ASCII.colon && rest.dropFirst().allSatisfy(ASCII.isDigit))
    else { return false }
    return host.first == UInt8(ascii: "[") ? isAddressLiteral(host) : isRegisteredName(host)
  }

  /// Whether this is an IP-literal: an IPv6 address or a future version's, in brackets.
  private static func isAddressLiteral(_ host: ArraySlice<UInt8>) -> Bool {
    guard host.count > 2, host.last == UInt8(ascii: "]") else { return false }
    let content = host.dropFirst().dropLast()
    guard ASCII.lowercased(content[content.startIndex]) == UInt8(ascii: "v") else {
      let text = String(decoding: content, as: UTF8.self)
      return content.contains(ASCII.colon) && NetworkAddress(text) != nil
    }
    let version = content.dropFirst().prefix { ASCII.hexValue($0) != nil }
    let address = content[version.endIndex...]
    return !version.isEmpty && address.first == UInt8(ascii: ".") && address.count > 1
      && address.dropFirst().allSatisfy { ASCII.isNameByte($0) || $0 == ASCII.colon }
  }

  /// Whether this is a reg-name that is not empty; by this grammar dotted IPv4 addresses are names
  /// as well.
  private static func isRegisteredName(_ host: ArraySlice<UInt8>) -> Bool {
    var rest = host
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard rest.count >= 2, rest.prefix(2).allSatisfy({ ASCII.hexValue($0) != nil }) else {
          return false
        }
        rest = rest.dropFirst(2)
      } else if !ASCII.isNameByte(byte) {
        return false
      }
    }
    return !host.isEmpty
  }

  private static func afterScheme(_ text: Substring) -> Substring? {
    for scheme in ["http://", "https://"]
    where ASCII.lowercased(text.prefix(scheme.count)) == scheme {
      return text.dropFirst(scheme.count)
    }
    return nil
  }
}
