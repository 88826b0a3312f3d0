import Checkpoint
import HTTPCore

/// Entity tag of what is live: its digest (RFC 9110, section 8.8.3).
enum EntityTag {
  static func text(_ version: ModelVersion) -> String { #""\#(version.hex)""# }

  /// Content of a field: `*`, or tags as they are written, with quotes and `W/`.
  enum List: Sendable, Hashable {
    case any
    case tags([String])

    /// Returns whether it names a tag, by the weak comparison.
    func names(_ tag: String) -> Bool {
      switch self {
      case .any: true
      case .tags(let tags): tags.contains { $0 == tag || $0 == "W/" + tag }
      }
    }

    /// Returns nil if the field is absent, and throws if it is not a list of tags.
    init?(_ name: String, _ fields: HeaderFields) throws(Problem) {
      let values = fields.values(of: name)
      guard !values.isEmpty else { return nil }
      if values == ["*"] {
        self = .any
        return
      }
      guard let tags = EntityTag.parse(values.joined(separator: ",")) else {
        throw Problem(
          400, .malformedPrecondition, #"\#(name) is not "*" or a list of tags like "DIGEST""#)
      }
      self = .tags(tags)
    }
  }

  /// Returns tags separated by commas, or nil for anything else. A tag may contain commas itself.
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

/// Condition on what is live: `If-Match` and `If-None-Match` (RFC 9110, sections 13.1.1 and
/// 13.1.2).
///
/// They are evaluated in the order of its section 13.2.2.
struct Precondition: Sendable, Hashable {
  private let wanted: EntityTag.List?
  private let unwanted: EntityTag.List?

  /// Creates an empty condition.
  init() { (wanted, unwanted) = (nil, nil) }

  init(_ fields: HeaderFields) throws(Problem) {
    wanted = try .init("If-Match", fields)
    unwanted = try .init("If-None-Match", fields)
  }

  /// Checks a change. Throws if what is live does not match `If-Match`, or matches `If-None-Match`.
  func check(_ live: ModelVersion?) throws(Problem) {
    try checkWanted(live)
    guard let live, isUnwanted(live) else { return }
    throw Self.failed("version \(live.hex) is live, which If-None-Match rules out")
  }

  /// Checks a read: returns whether the client already has what is live. Throws if that does not
  /// match `If-Match`.
  func isKnown(_ live: ModelVersion) throws(Problem) -> Bool {
    try checkWanted(live)
    return isUnwanted(live)
  }

  /// Checks `If-Match` by the strong comparison: a weak tag matches nothing.
  private func checkWanted(_ live: ModelVersion?) throws(Problem) {
    guard let wanted else { return }
    let isMet =
      switch wanted {
      case .any: live != nil
      case .tags(let tags): live.map { tags.contains(EntityTag.text($0)) } ?? false
      }
    guard !isMet else { return }
    throw Self.failed(
      live.map { "version \($0.hex) is live, which If-Match does not name" }
        ?? "no model is live, and If-Match asks for one")
  }

  /// Checks `If-None-Match` by the weak comparison.
  private func isUnwanted(_ live: ModelVersion) -> Bool {
    unwanted?.names(EntityTag.text(live)) ?? false
  }

  private static func failed(_ detail: String) -> Problem {
    Problem(412, .preconditionFailed, detail)
  }
}
