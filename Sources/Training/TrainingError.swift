package import Engine
package import ResNet

/// Reason why a network cannot be trained, or a step cannot be made.
package enum TrainingError: Error, CustomStringConvertible {
  /// An operation without a gradient here.
  case untrainable(node: String, reason: String)
  /// The graph or its weights are inconsistent.
  case graph(GraphError)
  /// oneDNN has failed, has no implementation, or memory is missing.
  case engine(EngineError)
  /// What a caller's data or options are, and what is allowed.
  case invalid(String)
  /// It takes more bytes than are allowed, with batches of so many images.
  case memory(byteCount: Int, limit: Int, batchLimit: Int)

  package var description: String {
    switch self {
    case .untrainable(let node, let reason): "\(node.prefix(80)) cannot be trained: \(reason)"
    case .graph(let error): error.description
    case .engine(let error): error.description
    case .invalid(let message): message
    case .memory(let byteCount, let limit, let batchLimit):
      "training takes \(byteCount) bytes, \(limit) are allowed; take smaller batches than "
        + "\(batchLimit), or freeze more of the network"
    }
  }
}
