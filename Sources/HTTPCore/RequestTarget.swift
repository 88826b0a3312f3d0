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
      guard start != authority.startIndex, !authority[..<start].contains("@") else { return nil }
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

  private static func afterScheme(_ text: Substring) -> Substring? {
    for scheme in ["http://", "https://"]
    where text.prefix(scheme.count).lowercased() == scheme {
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
