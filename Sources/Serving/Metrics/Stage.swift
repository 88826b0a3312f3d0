package import Telemetry

/// What a classification spends its time on.
package enum Stage: Int, MetricLabels, CaseIterable {
  /// From the head's last byte to the body's.
  case read
  /// Decoding and preparing all images of a request.
  case decode
  /// Waiting for a worker.
  case queue
  /// Running the network on all images of a request.
  case inference
  /// From the answer to the system's taking its last byte.
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
