/// Paths that are served.
enum Route: Int, Sendable, Hashable, CaseIterable {
  case home, classify, live, ready, started, metrics

  init?(_ path: String) {
    switch path {
    case "/": self = .home
    case "/classify": self = .classify
    case "/livez": self = .live
    case "/readyz", "/healthz": self = .ready
    case "/startupz": self = .started
    case "/metrics": self = .metrics
    default: return nil
    }
  }

  /// Path, or the first of several.
  var path: String {
    switch self {
    case .home: "/"
    case .classify: "/classify"
    case .live: "/livez"
    case .ready: "/readyz"
    case .started: "/startupz"
    case .metrics: "/metrics"
    }
  }

  var methods: [String] {
    self == .classify ? ["POST", "PUT", "OPTIONS"] : ["GET", "HEAD", "OPTIONS"]
  }

  /// Whether it is also served when there is no place for other requests.
  var isEssential: Bool {
    switch self {
    case .live, .ready, .started, .metrics: true
    case .home, .classify: false
    }
  }

  static let allMethods = ["GET", "HEAD", "POST", "PUT", "OPTIONS"]
}
