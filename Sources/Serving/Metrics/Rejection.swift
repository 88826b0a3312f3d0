import Telemetry

/// Reason why a classification was given up before the network ran for it.
enum Rejection: Int, MetricLabels, CaseIterable {
  /// No model is live yet: 503.
  case starting
  /// The server is stopping and has no workers any more: 503.
  case draining
  /// Too many requests or bytes are already waiting: 429.
  case queueFull
  /// The body does not fit into memory beside the others: 503.
  case memory
  /// The deadline passed before the network ran: 504.
  case deadline
  /// The client hung up before the network ran.
  case clientGone

  static let all = allCases

  var index: Int { rawValue }

  var pairs: MetricLabelPairs {
    let name =
      switch self {
      case .starting: "starting"
      case .draining: "draining"
      case .queueFull: "queue_full"
      case .memory: "memory"
      case .deadline: "deadline"
      case .clientGone: "client_gone"
      }
    return [("reason", name)]
  }
}
