import Checkpoint
import HTTPCore

/// The tag of what is live, its digest (RFC 9110, section 8.8.3).
enum EntityTag {
  static func text(_ version: ModelVersion) -> String { #""\#(version.hex)""# }

  /// What a field lists: `*`, or tags as they are written, with quotes and `W/`.
  enum List: Sendable, Hashable {
    case any
    case tags([String])

    /// Nil where the field is not there; throws where it is not a list of tags.
    init?(_ name: String, _ fields: HeaderFields) throws(Problem) {
      let values = fields.values(of: name)
      guard !values.isEmpty else { return nil }
      if values == ["*"] {
        self = .any
        return
      }
      guard let tags = EntityTag.parse(values.joined(separator: ",")) else {
        throw Problem(
          400, "malformed-precondition", #"\#(name) is not "*" or a list of tags like "DIGEST""#)
      }
      self = .tags(tags)
    }
  }

  /// Tags separated by commas; nil for anything else. A tag may hold commas itself.
  private static func parse(_ text: String) -> [String]? {
    var tags: [String] = []
    var rest = Substring(text)
    func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\t" } }
    while true {
      skipBlanks()
      let isWeak = rest.hasPrefix("W/")
      if isWeak { rest = rest.dropFirst(2) }
      guard rest.popFirst() == "\"", let end = rest.firstIndex(of: "\"") else { return nil }
      tags.append((isWeak ? "W/" : "") + "\"\(rest[..<end])\"")
      rest = rest[end...].dropFirst()
      skipBlanks()
      if rest.isEmpty { return tags }
      guard rest.popFirst() == "," else { return nil }
    }
  }
}

/// What must be live for a change to be made: `If-Match` (RFC 9110, section 13.1.1).
struct Precondition: Sendable, Hashable {
  private let wanted: EntityTag.List?

  /// None.
  init() { wanted = nil }

  init(_ fields: HeaderFields) throws(Problem) { wanted = try .init("If-Match", fields) }

  /// Throws where something else is live, or nothing is; a weak tag matches nothing.
  func check(_ live: ModelVersion?) throws(Problem) {
    guard let wanted else { return }
    let isMet =
      switch wanted {
      case .any: live != nil
      case .tags(let tags): live.map { tags.contains(EntityTag.text($0)) } ?? false
      }
    guard !isMet else { return }
    throw Problem(
      412, "precondition-failed",
      live.map { "version \($0.hex) is live, which If-Match does not name" }
        ?? "no model is live, and If-Match asks for one")
  }
}
