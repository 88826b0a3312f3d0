package import ResNet

/// Reason why a network could not be compiled or run.
package enum EngineError: Error, CustomStringConvertible {
  /// The graph or its weights are inconsistent.
  case graph(GraphError)
  case outOfMemory(doing: String)
  /// int8 was asked for, and the calibration has no range for a node.
  case uncalibrated(node: String)
  /// oneDNN has no implementation of an operation for the layouts asked for, or only a loop that is
  /// too slow to be of use.
  case unimplemented(String)
  /// This CPU, or the instructions that may be used, cannot do what was asked for; the message says
  /// why, and what to do.
  case unsupported(String)
  /// The deadline of the compilation has passed.
  case outOfTime
  /// The caller cancelled the compilation.
  case cancelled
  /// oneDNN failed; the message says at which operation and why.
  case library(String)

  package var description: String {
    switch self {
    case .graph(let error): error.description
    case .uncalibrated(let node): "the calibration has no range for \(node)"
    case .outOfMemory(let doing): "out of memory: \(doing)"
    case .outOfTime: "the time for compiling the network has run out"
    case .cancelled: "the compilation was cancelled"
    case .unimplemented(let message), .unsupported(let message), .library(let message): message
    }
  }
}
