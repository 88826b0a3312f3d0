/// The paths that are served.
enum Route: Sendable, Hashable {
  case home, classify, live, ready, started

  init?(_ path: String) {
    switch path {
    case "/": self = .home
    case "/classify": self = .classify
    case "/livez": self = .live
    case "/readyz", "/healthz": self = .ready
    case "/startupz": self = .started
    default: return nil
    }
  }

  var methods: [String] {
    self == .classify ? ["POST", "PUT", "OPTIONS"] : ["GET", "HEAD", "OPTIONS"]
  }

  static let allMethods = ["GET", "HEAD", "POST", "PUT", "OPTIONS"]
}
