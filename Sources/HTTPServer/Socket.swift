import CSockets
import Files
import Glibc
import Synchronization

/// System calls of stream sockets, on descriptors that never block and are not inherited.
enum Socket {
  enum Transfer {
    case bytes(Int)
    /// Nothing can be transferred now.
    case wouldBlock
    /// Nothing can be read until something has been written, as TLS may ask.
    case waitsForWriting
    case end
    /// The connection is broken.
    case failed
  }

  /// Listens on the first address of `host`.
  static func listen(host: String, port: Int, backlog: Int) throws(ServerError) -> CInt {
    var resolver: CInt = 0
    let descriptor = unsafe sockets_listener_create(
      HostName(host).address, UInt16(clamping: port), CInt(clamping: backlog), &resolver)
    guard descriptor < 0 else { return descriptor }
    guard descriptor == -1 else {
      throw .unresolvable(
        host: host, reason: unsafe String(cString: sockets_resolver_message(resolver)))
    }
    switch errno {
    case EADDRINUSE: throw .addressInUse(host: host, port: port)
    case EACCES: throw .notPermitted(host: host, port: port)
    default: throw .system(call: "listening on \(host) port \(port)", reason: lastError())
    }
  }

  /// Listens on a Unix socket.
  ///
  /// - Parameter mode: Permissions to connect to it, as those of a file.
  static func listen(path: String, mode: UInt32, backlog: Int) throws(ServerError) -> CInt {
    let descriptor = unsafe sockets_local_listener_create(path, mode, CInt(clamping: backlog))
    guard descriptor < 0 else { return descriptor }
    throw lastError(at: path)
  }

  /// Throws if nobody could listen on a Unix socket now. Nothing is changed.
  static func tryListening(path: String) throws(ServerError) {
    if unsafe sockets_local_listener_try(path) != 0 { throw lastError(at: path) }
  }

  private static func lastError(at path: String) -> ServerError {
    switch errno {
    case EADDRINUSE: .pathInUse(path)
    case EEXIST: .pathOccupied(path)
    default: .system(call: "listening on \(path)", reason: lastError())
    }
  }

  /// Takes over a socket that the process was started with.
  static func listen(inherited descriptor: CInt) throws(ServerError) -> CInt {
    guard sockets_listener_inherit(descriptor) == 0 else {
      throw .notListening(descriptor: Int(descriptor))
    }
    return descriptor
  }

  static func port(of listener: CInt) -> Int { Int(sockets_listener_port(listener)) }

  /// Takes the next waiting connection, ready for use.
  static func accept(_ listener: CInt) -> Accepted {
    var address = sockets_address()
    let descriptor = unsafe sockets_listener_accept(listener, &address)
    guard descriptor >= 0 else {
      switch errno {
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
      case ECONNABORTED, EINTR: return .aborted
      default: return .none
      }
    }
    let text = unsafe withUnsafeBytes(of: address.text) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return .connection(descriptor, address: text)
  }

  /// Whether a connection waits to be accepted, or bytes to be read.
  static func isReadable(_ descriptor: CInt) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
  }

  /// Whether the client has closed the connection, or its half of it.
  static func hasEnded(_ descriptor: CInt) -> Bool { sockets_has_ended(descriptor) }

  /// Returns the first byte that waits to be read, and leaves it there; nil where there is none.
  static func peek(_ descriptor: CInt) -> UInt8? {
    UInt8(exactly: sockets_peek(descriptor))
  }

  /// Makes a descriptor that tells of the readiness of others.
  static func poller() throws(ServerError) -> CInt {
    let descriptor = sockets_poller_create()
    guard descriptor >= 0 else { throw .system(call: "epoll_create1", reason: lastError()) }
    return descriptor
  }

  static func read(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
    return count == 0 ? .end : result(count)
  }

  static func write(_ descriptor: CInt, _ bytes: ArraySlice<UInt8>) -> Transfer {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return .bytes(0) }
      return result(unsafe sockets_send(descriptor, start, buffer.count))
    }
  }

  private static func result(_ count: Int) -> Transfer {
    if count >= 0 { return .bytes(count) }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? .wouldBlock : .failed
  }

  private static func lastError() -> String { SystemError.text() }
}

/// Result of accepting a connection.
package enum Accepted: Sendable {
  /// A connection from `address:port`, IPv6 in brackets, or from a user of a Unix socket.
  case connection(CInt, address: String)
  /// No connection waits.
  case none
  /// A connection that waited has gone.
  case aborted
  /// The process, or the system, has no descriptors or memory left.
  case exhausted
}

/// File descriptor that is closed when nothing refers to it any more, or before.
///
/// Dispatch sources refer to it until they are cancelled: if it were closed before, its number
/// could already be that of another.
final class Descriptor: Sendable {
  let number: CInt
  private let isOpen = Atomic(true)

  init(_ number: CInt) { self.number = number }

  deinit { close() }

  func close() {
    if isOpen.exchange(false, ordering: .relaxed) { Glibc.close(number) }
  }
}
