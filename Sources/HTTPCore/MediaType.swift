/// A media type, `type/subtype; name=value` (RFC 9110, section 8.3.1).
package struct MediaType: Sendable, Hashable {
  /// Type and subtype, `type/subtype`, in lower case.
  package var essence: String
  /// Values by names in lower case; values as they are, without quotes.
  package var parameters: [String: String]

  package init?(_ text: String) {
    var parts = Self.split(text)[...]
    guard let essence = parts.popFirst().map({ ASCII.lowercased(ASCII.trimmed($0)) }) else {
      return nil
    }
    let halves = essence.split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(ASCII.isToken) })
    else { return nil }
    self.essence = essence
    parameters = [:]
    for part in parts {
      let part = ASCII.trimmed(part)
      if part.isEmpty { continue }
      guard let equals = part.firstIndex(of: "="), equals > part.startIndex,
        part[..<equals].utf8.allSatisfy(ASCII.isToken),
        let value = Self.unquoted(part[part.index(after: equals)...])
      else { return nil }
      parameters[ASCII.lowercased(part[..<equals])] = value
    }
  }

  /// Splits at semicolons outside quotes.
  private static func split(_ text: String) -> [String] {
    var parts = [""]
    var quoted = false
    var escaped = false
    for character in text {
      if character == ";", !quoted {
        parts.append("")
        continue
      }
      if character == "\"", !escaped { quoted.toggle() }
      escaped = character == "\\" && quoted && !escaped
      parts[parts.count - 1].append(character)
    }
    return parts
  }

  /// Removes the quotes of a value; nil where they do not enclose it.
  ///
  /// Values that are not tokens may go without quotes too: boundaries often do.
  private static func unquoted(_ text: Substring) -> String? {
    guard text.first == "\"" else { return text.contains("\"") ? nil : String(text) }
    var value = ""
    var rest = text.dropFirst()
    while let character = rest.popFirst() {
      switch character {
      case "\"": return rest.isEmpty ? value : nil
      case "\\":
        guard let escaped = rest.popFirst() else { return nil }
        value.append(escaped)
      default: value.append(character)
      }
    }
    return nil
  }
}
