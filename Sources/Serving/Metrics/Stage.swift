package import Telemetry

/// Stage on which a classification spends time.
package enum Stage: Int, MetricLabels, CaseIterable {
  /// Reading, from the head's last byte to the body's.
  case read
  /// Decoding and preparing all images of a request.
  case decode
  /// Waiting for a worker.
  case queue
  /// Running the network on all images of a request.
  case inference
  /// Writing, from the answer until the system has taken its last byte.
  case write

  package static let all = allCases

  package var index: Int { rawValue }

  package var pairs: MetricLabelPairs {
    let name =
      switch self {
      case .read: "read"
      case .decode: "decode"
      case .queue: "queue"
      case .inference: "inference"
      case .write: "write"
      }
    return [("stage", name)]
  }
}
