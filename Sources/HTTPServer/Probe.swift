import CSockets
import Glibc

/// One question to a server's probe, blocking; for health checks from outside the process.
package enum Probe {
  /// Bytes looked at for the status line.
  private static let statusLineByteLimit = 256

  /// The status of `GET path`, of a server on all addresses by the loopback. Throws where there is no answer in HTTP within the time.
  package static func status(
    host: String, port: Int, path: String, within limit: Duration
  ) throws(ServerError) -> Int {
    let name = HostName(host).reachable
    let deadline = ContinuousClock.now + limit
    var resolver: CInt = 0
    let timeout = CInt(clamping: Int(limit / .milliseconds(1)))
    let descriptor = unsafe sockets_connect(
      name.address, UInt16(clamping: port), timeout, &resolver)
    guard descriptor >= 0 else {
      throw descriptor == -2
        ? .unresolvable(
          host: host, reason: unsafe String(cString: sockets_resolver_message(resolver)))
        : failure("connecting to", host, port)
    }
    defer { close(descriptor) }
    let request = "GET \(path) HTTP/1.1\r\nHost: \(name):\(port)\r\nConnection: close\r\n\r\n"
    guard case .bytes = Socket.write(descriptor, Array(request.utf8)[...]) else {
      throw failure("asking", host, port)
    }
    var line: [UInt8] = []
    while !line.contains(UInt8(ascii: "\n")), line.count < statusLineByteLimit {
      var byte: UInt8 = 0
      guard ContinuousClock.now < deadline, unsafe recv(descriptor, &byte, 1, 0) == 1 else {
        throw failure("asking", host, port)
      }
      line.append(byte)
    }
    let words = String(decoding: line, as: UTF8.self).split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw .system(call: "asking \(host) port \(port)", reason: "the answer is not HTTP")
    }
    return status
  }

  private static func failure(_ doing: String, _ host: String, _ port: Int) -> ServerError {
    let reason =
      switch errno {
      case EAGAIN, EINPROGRESS, 0: "no answer in time"
      default: unsafe String(cString: strerror(errno))
      }
    return .system(call: "\(doing) \(host) port \(port)", reason: reason)
  }
}
