/// Reason for which a server could not listen.
package enum ServerError: Error, Hashable, CustomStringConvertible {
  case unresolvable(host: String, reason: String)
  case addressInUse(host: String, port: Int)
  /// Another program listens on the Unix socket.
  case pathInUse(_ path: String)
  /// Something else is where a Unix socket should be.
  case pathOccupied(_ path: String)
  /// A descriptor that the process was started with is no listening socket.
  case notListening(descriptor: Int)
  case notPermitted(host: String, port: Int)
  /// A system call failed otherwise.
  case system(call: String, reason: String)

  package var description: String {
    switch self {
    case .unresolvable(let host, let reason): "cannot resolve host \(host): \(reason)"
    case .addressInUse(let host, let port):
      "port \(port) on \(host) is in use by another program"
    case .pathInUse(let path): "cannot listen on \(path): another program listens there"
    case .pathOccupied(let path): "cannot listen on \(path): what is there is not a socket"
    case .notListening(let descriptor):
      "descriptor \(descriptor), which the service manager passed, is not a stream socket that listens"
    case .notPermitted(let host, let port):
      "not permitted to listen on \(host) port \(port); ports below 1024 need privileges"
    case .system(let call, let reason): "\(call) failed: \(reason)"
    }
  }
}
