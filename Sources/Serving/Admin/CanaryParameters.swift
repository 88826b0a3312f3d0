import JSON

/// Body of `PUT /admin/canary`: `{"version": "…", "percent": 5}`, with optional `header` and
/// `max_disagreement`.
struct CanaryParameters: Sendable {
  private static let example = #"{"version": "0123456789ab", "percent": 5}"#
  private static let names = ["version", "percent", "header", "max_disagreement"]

  /// Digits of a kept version.
  let version: String
  let rules: CanaryRules

  /// Throws for a member that is unknown or given twice, so that no misspelt limit is ignored.
  init(_ body: [UInt8]) throws(Problem) {
    let tree: JSONTree
    do {
      // SAFETY: the bytes of an array of bytes, for the call.
      tree = try unsafe JSONTree(body.span.bytes)
    } catch {
      throw .body(
        "the body is not JSON like \(Self.example): \(error.reason), byte \(error.offset)")
    }
    guard let members = tree.root.members else {
      throw .body("the body is not a JSON object like \(Self.example)")
    }
    if let unknown = Set(members.map(\.name)).subtracting(Self.names).min() {
      throw .parameter(
        "\(unknown) is an unknown member; a canary has \(Self.names.joined(separator: ", "))")
    }
    guard let version = tree.root["version"]?.string else {
      throw .parameter("version is a string: the digits of a kept version")
    }
    guard let percent = tree.root["percent"]?.number.flatMap(CanaryPercent.init) else {
      throw .parameter("percent is a number from 0 to 100 with at most two decimal places")
    }
    var rules = CanaryRules(percent: percent)
    if let header = tree.root["header"] {
      guard let obeys = header.boolean else { throw .parameter("header is true or false") }
      rules.obeysHeader = obeys
    }
    if let bar = tree.root["max_disagreement"] {
      guard bar.isNull || bar.number.map({ 0...1 ~= $0 }) == true else {
        throw .parameter("max_disagreement is a number from 0 to 1, or null")
      }
      rules.maxDisagreement = bar.number
    }
    self.version = version
    self.rules = rules
  }
}
