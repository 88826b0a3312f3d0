import HTTPCore

/// What a request says about the canary, in the field `X-Resnetd-Canary`.
enum CanaryChoice: String, Sendable, Hashable {
  /// The canary answers where there is one.
  case always
  /// The live model answers.
  case never
  /// Nothing is said: the canary's share decides.
  case share

  static let field = "X-Resnetd-Canary"

  init(_ fields: HeaderFields) throws(Problem) {
    switch fields[Self.field]?.lowercased() {
    case nil: self = .share
    case "always": self = .always
    case "never": self = .never
    default: throw .parameter("\(Self.field) is always or never")
    }
  }
}
