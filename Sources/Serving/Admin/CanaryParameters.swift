import JSON

/// Body of `PUT /admin/canary`: `{"version": "…", "percent": 5}`, with optional `header` and
/// `max_disagreement`.
struct CanaryParameters: Sendable {
  private static let example = #"{"version": "0123456789ab", "percent": 5}"#
  private static let known = KnownNames(
    names: ["version", "percent", "header", "max_disagreement"],
    synonyms: ["share": "percent", "weight": "percent", "digest": "version", "model": "version"])

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
    if let unknown = Set(members.map(\.name)).subtracting(Self.known.names).min() {
      throw Self.known.unknown(unknown, "member", "a canary has")
    }
    guard let version = tree.root["version"]?.string else {
      throw .parameter(
        "version is a string, the digits of a kept version, not \(Self.shown(tree.root["version"]))"
      )
    }
    guard let percent = tree.root["percent"]?.number.flatMap(CanaryPercent.init) else {
      throw .parameter(
        "percent is a number from 0 to 100 with at most two decimal places, "
          + "not \(Self.shown(tree.root["percent"]))")
    }
    var rules = CanaryRules(percent: percent)
    if let header = tree.root["header"] {
      guard let obeys = header.boolean else {
        throw .parameter("header is true or false, not \(Self.shown(header))")
      }
      rules.obeysHeader = obeys
    }
    if let bar = tree.root["max_disagreement"] {
      guard bar.isNull || bar.number.map({ 0...1 ~= $0 }) == true else {
        throw .parameter(
          "max_disagreement is a number from 0 to 1, or null, not \(Self.shown(bar))")
      }
      rules.maxDisagreement = bar.number
    }
    self.version = version
    self.rules = rules
  }

  private static func shown(_ value: JSONNode?) -> String {
    guard let value else { return "nothing" }
    if let string = value.string { return "the string \(Quotation.of(string))" }
    if let integer = value.integer { return "\(integer)" }
    if let number = value.number { return "\(number)" }
    if let boolean = value.boolean { return "\(boolean)" }
    return value.isNull ? "null" : value.array == nil ? "an object" : "a list"
  }
}
