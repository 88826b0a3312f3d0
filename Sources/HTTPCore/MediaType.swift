/// `type/subtype; name=value` (RFC 9110, section 8.3.1).
package struct MediaType: Sendable, Hashable {
  /// `type/subtype` in lower case.
  package var essence: String
  /// By name in lower case; values as they are, without quotes.
  package var parameters: [String: String]

  package init?(_ text: String) {
    var parts = Self.split(text)[...]
    guard let essence = parts.popFirst().map({ trimmed($0[...]).lowercased() }) else { return nil }
    let halves = essence.split(separator: "/", omittingEmptySubsequences: false)
    guard halves.count == 2, halves.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(ASCII.isToken) })
    else { return nil }
    self.essence = essence
    parameters = [:]
    for part in parts {
      let part = trimmed(part[...])
      if part.isEmpty { continue }
      guard let equals = part.firstIndex(of: "="), equals > part.startIndex,
        part[..<equals].utf8.allSatisfy(ASCII.isToken)
      else { return nil }
      let value = part[part.index(after: equals)...]
      parameters[part[..<equals].lowercased()] = Self.unquoted(value)
    }
  }

  /// At semicolons outside quotes.
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

  private static func unquoted(_ text: Substring) -> String {
    guard text.count >= 2, text.first == "\"", text.last == "\"" else { return String(text) }
    var value = ""
    var escaped = false
    for character in text.dropFirst().dropLast() {
      if character == "\\", !escaped {
        escaped = true
      } else {
        value.append(character)
        escaped = false
      }
    }
    return value
  }
}
