import CSockets
import Dispatch
import Glibc

/// Answers one connection with given bytes, whatever it asks, and closes it.
final class RawServer: Sendable {
  private static let waitLimit: CInt = 10_000

  let address: String
  private let listener: CInt
  private let ended = DispatchSemaphore(value: 0)

  struct Failure: Error {}

  init(answering text: String) throws {
    var resolver: CInt = 0
    listener = unsafe sockets_listener_create("127.0.0.1", 0, 1, &resolver)
    guard listener >= 0 else { throw Failure() }
    address = "http://127.0.0.1:\(sockets_listener_port(listener))"
    let (listener, ended) = (listener, ended)
    DispatchQueue(label: "resnetd.tests.raw").async {
      defer { ended.signal() }
      var peer = sockets_address()
      guard Self.wait(for: listener) else { return }
      let connection = unsafe sockets_listener_accept(listener, &peer)
      guard connection >= 0 else { return }
      defer { close(connection) }
      var request = [UInt8](repeating: 0, count: 4096)
      guard Self.wait(for: connection) else { return }
      unsafe read(connection, &request, request.count)
      _ = fcntl(connection, F_SETFL, 0)
      var rest = ArraySlice(text.utf8)
      while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { buffer in
          unsafe sockets_send(connection, buffer.baseAddress!, buffer.count)
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }
  }

  deinit {
    ended.wait()
    close(listener)
  }

  private static func wait(for descriptor: CInt) -> Bool {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&waited, 1, waitLimit) == 1
  }
}
