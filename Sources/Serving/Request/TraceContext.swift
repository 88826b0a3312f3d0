package import HTTPCore

/// Place of a request in a distributed trace: W3C Trace Context,
/// https://www.w3.org/TR/trace-context.
///
/// The answer passes it on as it came, as far as this version of the standard knows it; spans of the
/// request are recorded below it.
package struct TraceContext: Sendable, Hashable {
  /// Members of a `tracestate`, section 3.3.1.
  package static let stateMemberLimit = 32

  /// Trace id of 32 lower-case hexadecimal digits, not all zero.
  package let traceID: String
  /// Id of the client's span, of 16 such digits.
  package let parentID: String
  /// Whether the client records the trace (section 3.2.2.5).
  package let isSampled: Bool
  /// Field to pass on; always of version 00.
  package let traceparent: String
  /// Field to pass on, or nil if there is none or it is malformed.
  package let tracestate: String?

  /// Returns nil if there is no well-formed `traceparent`, or several: then its `tracestate` is not
  /// passed on.
  package init?(_ fields: HeaderFields?) {
    guard let fields, let first = fields["traceparent"],
      let parent = Self.parsed(first), fields.values(of: "traceparent").count == 1
    else { return nil }
    (traceID, parentID, isSampled) = (parent.traceID, parent.id, parent.flags & 1 == 1)
    traceparent = parent.passedOn
    let states = fields.values(of: "tracestate")
    tracestate = states.isEmpty ? nil : Self.checked(states.joined(separator: ","))
  }

  // MARK: traceparent

  /// Parses the field of section 3.2.
  ///
  /// Only the part of a later version that it shares with 00 is read, and sent as 00 (section 4.3).
  private static func parsed(
    _ text: String
  ) -> (traceID: String, id: String, flags: UInt8, passedOn: String)? {
    let parts = text.split(separator: "-", maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0] != "ff", zip(parts, [2, 32, 16, 2]).allSatisfy(isHex),
      parts[1].contains(where: { $0 != "0" }), parts[2].contains(where: { $0 != "0" }),
      let flags = UInt8(parts[3], radix: 16)
    else { return nil }
    let (traceID, id) = (String(parts[1]), String(parts[2]))
    if parts[0] == "00" { return parts.count == 4 ? (traceID, id, flags, text) : nil }
    return (traceID, id, flags, "00-\(traceID)-\(id)-0\(flags & 1)")
  }

  private static func isHex(_ part: Substring, _ count: Int) -> Bool {
    part.utf8.count == count && part.utf8.allSatisfy { isDigit($0) || 0x61...0x66 ~= $0 }
  }

  // MARK: tracestate

  /// Checks the list of section 3.3.1. Returns nil if any member is malformed, or a key comes
  /// twice.
  private static func checked(_ text: String) -> String? {
    var keys: Set<Substring> = []
    let members = text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
    guard 1...stateMemberLimit ~= members.count else { return nil }
    for member in members {
      guard let equals = member.firstIndex(of: "="), isKey(member[..<equals]),
        isValue(member[member.index(after: equals)...]), keys.insert(member[..<equals]).inserted
      else { return nil }
    }
    return members.joined(separator: ",")
  }

  /// Returns whether it is a `simple-key` of up to 256 characters or a `tenant@system` of up to 241
  /// and 14.
  private static func isKey(_ key: Substring) -> Bool {
    let parts = key.split(separator: "@", omittingEmptySubsequences: false)
    switch parts.count {
    case 1: return isWord(key, limit: 256, mayBeginWithDigit: false)
    case 2:
      return isWord(parts[0], limit: 241, mayBeginWithDigit: true)
        && isWord(parts[1], limit: 14, mayBeginWithDigit: false)
    default: return false
    }
  }

  private static func isWord(_ word: Substring, limit: Int, mayBeginWithDigit: Bool) -> Bool {
    guard let first = word.utf8.first, word.utf8.count <= limit else { return false }
    return (isLetter(first) || mayBeginWithDigit && isDigit(first))
      && word.utf8.allSatisfy { isLetter($0) || isDigit($0) || "_-*/".utf8.contains($0) }
  }

  /// Returns whether it has up to 256 printable ASCII characters except `,` and `=`.
  private static func isValue(_ value: Substring) -> Bool {
    1...256 ~= value.utf8.count
      && value.utf8.allSatisfy { 0x20...0x7e ~= $0 && $0 != 0x2c && $0 != 0x3d }
  }

  /// Removes surrounding blanks: optional white space between members.
  private static func trimmed(_ member: Substring) -> Substring {
    var member = member
    while member.first == " " || member.first == "\t" { member.removeFirst() }
    while member.last == " " || member.last == "\t" { member.removeLast() }
    return member
  }

  private static func isLetter(_ byte: UInt8) -> Bool { 0x61...0x7a ~= byte }
  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
}
