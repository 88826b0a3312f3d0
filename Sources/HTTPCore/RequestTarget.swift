/// What a request asks for (RFC 9112, section 3.2), its path and query decoded.
package struct RequestTarget: Sendable, Hashable {
  package struct QueryItem: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// As sent, for logs.
  package var raw: String
  /// Percent-decoded; `*` for a request about the server as a whole.
  package var path: String
  package var query: [QueryItem]

  /// Origin form, absolute form and `*`; nil where the text is none of them.
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
    let mark = rest.firstIndex(of: "?") ?? rest.endIndex
    let pathText = rest[..<mark]
    guard let path = Self.decoded(pathText.isEmpty ? "/" : pathText, plusIsSpace: false) else {
      return nil
    }
    self.path = path
    query = []
    guard mark != rest.endIndex else { return }
    for pair in rest[rest.index(after: mark)...].split(separator: "&") {
      let equals = pair.firstIndex(of: "=") ?? pair.endIndex
      let valueText = equals == pair.endIndex ? "" : pair[pair.index(after: equals)...]
      guard let name = Self.decoded(pair[..<equals], plusIsSpace: true),
        let value = Self.decoded(valueText, plusIsSpace: true)
      else { return nil }
      query.append(QueryItem(name: name, value: value))
    }
  }

  /// uri-host with an optional port, which may both be empty (RFC 9110, section 7.2; RFC 3986, section 3.2).
  static func isAuthority(_ text: some StringProtocol) -> Bool {
    var rest = Array(text.utf8)[...]
    if rest.first == UInt8(ascii: "[") {
      guard let end = rest.firstIndex(of: UInt8(ascii: "]")), end > rest.startIndex + 1,
        rest[1..<end].allSatisfy({ ASCII.hexValue($0) != nil || ":.".utf8.contains($0) })
      else { return false }
      rest = rest[(end + 1)...]
    } else {
      rest = rest.drop {
        ASCII.isAlpha($0) || ASCII.isDigit($0) || "-._~!$&'()*+,;=%".utf8.contains($0)
      }
    }
    return rest.isEmpty || (rest.first == ASCII.colon && rest.dropFirst().allSatisfy(ASCII.isDigit))
  }

  private static func afterScheme(_ text: Substring) -> Substring? {
    for scheme in ["http://", "https://"]
    where ASCII.lowercased(text.prefix(scheme.count)) == scheme {
      return text.dropFirst(scheme.count)
    }
    return nil
  }

  /// RFC 3986, section 2.1; nil for a broken escape, for NUL, and for what is not UTF-8.
  private static func decoded(_ text: Substring, plusIsSpace: Bool) -> String? {
    var bytes: [UInt8] = []
    var input = text.utf8.makeIterator()
    while let byte = input.next() {
      if byte == UInt8(ascii: "%") {
        guard let high = input.next().flatMap(ASCII.hexValue),
          let low = input.next().flatMap(ASCII.hexValue), high << 4 | low != 0
        else { return nil }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? ASCII.space : byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
