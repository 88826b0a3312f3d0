import HTTPCore

/// What the admin endpoint offers.
enum AdminRoute: Hashable {
  case model, versions, configuration, rollback, canary
  /// With the digits that the path has.
  case activate(String)

  init?(_ path: String) {
    switch path {
    case "/admin/model": self = .model
    case "/admin/versions": self = .versions
    case "/admin/config": self = .configuration
    case "/admin/rollback": self = .rollback
    case "/admin/canary": self = .canary
    default:
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 5, parts[0].isEmpty, parts[1] == "admin", parts[2] == "versions",
        parts[4] == "activate"
      else { return nil }
      self = .activate(String(parts[3]))
    }
  }

  var methods: [String] {
    switch self {
    case .model: ["GET", "HEAD", "PUT", "OPTIONS"]
    case .versions, .configuration: ["GET", "HEAD", "OPTIONS"]
    case .rollback, .activate: ["POST", "OPTIONS"]
    case .canary: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]
    }
  }
}
