import Words

/// Names and values of an environment variable of OpenTelemetry, `name=value,name=value`, with
/// escapes as in a URL (W3C Baggage, without properties).
package enum KeyValueList {
  package struct Member: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) { (self.name, self.value) = (name, value) }
  }

  /// Members of a list.
  package static let countLimit = 64

  /// Returns the members in their order, or nil where any is malformed: then none should count.
  package static func members(_ text: String) -> [Member]? {
    var members: [Member] = []
    for part in text.utf8.split(separator: UInt8(ascii: ",")) {
      let part = trimmed(part)
      if part.isEmpty { continue }
      guard let equals = part.firstIndex(of: UInt8(ascii: "=")),
        let name = PercentEscapes.decoded(trimmed(part[..<equals])), !name.isEmpty,
        let value = PercentEscapes.decoded(trimmed(part[equals...].dropFirst()))
      else { return nil }
      members.append(Member(name: name, value: value))
    }
    return members.count <= countLimit ? members : nil
  }

  private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
    var text = text
    while let first = text.first, isBlank(first) { text = text.dropFirst() }
    while let last = text.last, isBlank(last) { text = text.dropLast() }
    return text
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
