package import ResNet

/// Why a network could not be compiled or run.
package enum EngineError: Error, CustomStringConvertible {
  /// The graph or its weights are inconsistent.
  case graph(GraphError)
  case outOfMemory(doing: String)
  /// int8 was asked for, and the calibration does not know a node.
  case uncalibrated(node: String)
  /// oneDNN has no implementation for an operation with the layouts it was asked for.
  case unimplemented(String)
  /// Whoever asked wants it no more.
  case cancelled
  /// oneDNN failed; the text says at which operation and why.
  case library(String)

  package var description: String {
    switch self {
    case .graph(let error): error.description
    case .uncalibrated(let node): "the calibration has no range for \(node)"
    case .outOfMemory(let doing): "out of memory: \(doing)"
    case .cancelled: "it was cancelled"
    case .unimplemented(let message), .library(let message): message
    }
  }
}
