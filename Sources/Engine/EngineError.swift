package import ResNet

/// Why a network could not be compiled or run.
package enum EngineError: Error, CustomStringConvertible {
  /// The graph or its weights are inconsistent.
  case graph(GraphError)
  case outOfMemory(doing: String)
  /// int8 was asked for, and the calibration does not know a node.
  case uncalibrated(node: String)
  /// oneDNN has no implementation for an operation with the layouts it was asked for, or none but a loop that is not
  /// worth running.
  case unimplemented(String)
  /// This CPU, or what it may use, cannot do what was asked for; the text says why, and what to do.
  case unsupported(String)
  /// The deadline of the compilation has passed.
  case outOfTime
  /// Whoever asked wants it no more.
  case cancelled
  /// oneDNN failed; the text says at which operation and why.
  case library(String)

  package var description: String {
    switch self {
    case .graph(let error): error.description
    case .uncalibrated(let node): "the calibration has no range for \(node)"
    case .outOfMemory(let doing): "out of memory: \(doing)"
    case .outOfTime: "the time for compiling the network is over"
    case .cancelled: "it was cancelled"
    case .unimplemented(let message), .unsupported(let message), .library(let message): message
    }
  }
}
