/// A change that a request to the admin endpoint asks for, worked out at its head.
enum AdminChange: Sendable {
  case activate(String)
  case remove(String)
  case rollBack
  /// The canary's share and rules are in the body.
  case setCanary
  case endCanary
  case endSwap
  case upload(UploadSink, UploadParameters)

  /// Returns nil for a request that changes nothing, and for an upload, which has a body of its
  /// own.
  init?(_ route: AdminRoute, _ method: String) {
    switch (route, method) {
    case (.activate(let digits), "POST"): self = .activate(digits)
    case (.version(let digits), "DELETE"): self = .remove(digits)
    case (.rollback, "POST"): self = .rollBack
    case (.canary, "PUT"): self = .setCanary
    case (.canary, "DELETE"): self = .endCanary
    case (.swap, "DELETE"): self = .endSwap
    default: return nil
    }
  }

  /// Whether it has a place that uploads cannot take.
  var isUrgent: Bool {
    switch self {
    case .rollBack, .endCanary, .endSwap: true
    case .activate, .remove, .setCanary, .upload: false
    }
  }

  /// Whether it removes something, which has no tag of its own: like other changes, it
  /// depends on what is live.
  var isDeletion: Bool {
    switch self {
    case .remove, .endCanary, .endSwap: true
    case .activate, .rollBack, .setCanary, .upload: false
    }
  }
}
