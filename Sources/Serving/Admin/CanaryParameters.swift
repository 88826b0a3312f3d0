/// What `PUT /admin/canary` asks for: `{"version": "…", "percent": 5}`, with `header` and `max_disagreement` if wanted.
struct CanaryParameters: Sendable {
  private static let example = #"{"version": "0123456789ab", "percent": 5}"#
  private static let names = ["version", "percent", "header", "max_disagreement"]

  /// Digits of a kept version.
  let version: String
  let rules: CanaryRules

  /// Throws for what is unknown or there twice, so that no misspelt bar is left out.
  init(_ body: [UInt8]) throws(Problem) {
    let members = try JSONMembers(body, like: Self.example)
    if let unknown = members.names.subtracting(Self.names).min() {
      throw .parameter("there are \(Self.names.joined(separator: ", ")), no \(unknown)")
    }
    guard case .text(let version) = members["version"] else {
      throw .parameter("version is a text: the digits of a version that is kept")
    }
    guard case .number(let number) = members["percent"], let percent = CanaryPercent(number) else {
      throw .parameter("percent is a number from 0 to 100 with at most two digits behind the point")
    }
    var rules = CanaryRules(percent: percent)
    switch members["header"] {
    case nil: break
    case .boolean(let obeys): rules.obeysHeader = obeys
    default: throw .parameter("header is true or false")
    }
    switch members["max_disagreement"] {
    case nil: break
    case .null: rules.maxDisagreement = nil
    case .number(let bar) where 0...1 ~= bar: rules.maxDisagreement = bar
    default: throw .parameter("max_disagreement is a number from 0 to 1, or null")
    }
    self.version = version
    self.rules = rules
  }
}
