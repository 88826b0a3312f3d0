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

  package var description: String {
    switch self {
    case .untrainable(let node, let reason): "\(node.prefix(80)) cannot be trained: \(reason)"
    case .graph(let error): error.description
    case .engine(let error): error.description
    case .invalid(let message): message
    }
  }
}
