import CSockets
import Dispatch
import Glibc
import Synchronization

/// Server on a port of the loopback that answers every connection with the bytes that a closure
/// makes of its request, and closes it.
package final class ScriptedServer: Sendable {
  /// Milliseconds for a request's head, one minute.
  private static let headWait: CInt = 60_000
  /// No limit, for a wait that `deinit` ends: a program under test may be slow to connect.
  private static let unlimited: CInt = -1
  /// Bytes of a request's head, 64 KiB.
  private static let headByteLimit = 64 * 1024

  package let address: String
  private let listener: CInt
  private let keepsOpen: Bool
  private let heads = Mutex<[String]>([])
  private let ended = DispatchSemaphore(value: 0)

  struct Failure: Error {}

  /// - Parameters:
  ///   - keepsOpen: Whether connections stay open after their answers, until the server is released.
  ///   - answer: Makes the answer to a request's head, given how many there were before it.
  package init(
    keepsOpen: Bool = false,
    _ answer: @escaping @Sendable (_ head: String, _ index: Int) -> [UInt8]
  ) throws {
    self.keepsOpen = keepsOpen
    var resolver: CInt = 0
    listener = unsafe sockets_listener_create("127.0.0.1", 0, 8, &resolver)
    guard listener >= 0 else { throw Failure() }
    address = "http://127.0.0.1:\(sockets_listener_port(listener))"
    // A thread of its own: it waits for clients, and Dispatch has few.
    let thread = ServingThread { [unowned self] in
      var open: [CInt] = []
      while serve(answer, &open) {}
      for connection in open { close(connection) }
      ended.signal()
    }
    guard thread.start() else { throw Failure() }
  }

  package convenience init(answering text: String) throws {
    try self.init { _, _ in Array(text.utf8) }
  }

  deinit {
    // Ends the wait for a connection.
    shutdown(listener, CInt(SHUT_RDWR))
    ended.wait()
    close(listener)
  }

  /// Heads of the requests so far.
  package var requests: [String] { heads.withLock { $0 } }

  /// Serves one connection; false when none comes any more.
  private func serve(_ answer: (String, Int) -> [UInt8], _ open: inout [CInt]) -> Bool {
    var peer = sockets_address()
    guard Self.wait(for: listener, Self.unlimited) else { return false }
    let connection = unsafe sockets_listener_accept(listener, &peer)
    guard connection >= 0 else { return false }
    defer { if keepsOpen { open.append(connection) } else { close(connection) } }
    _ = fcntl(connection, F_SETFL, 0)
    guard let head = Self.head(connection) else { return true }
    let index = heads.withLock { heads in
      heads.append(head)
      return heads.count - 1
    }
    var rest = answer(head, index)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { buffer in
        unsafe sockets_send(connection, buffer.baseAddress!, buffer.count)
      }
      guard count > 0 else { return true }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private static func head(_ connection: CInt) -> String? {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8), bytes.count < headByteLimit {
      guard wait(for: connection, headWait) else { return nil }
      let count = unsafe read(connection, &part, part.count)
      guard count > 0 else { return nil }
      bytes += part[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func wait(for descriptor: CInt, _ milliseconds: CInt) -> Bool {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&waited, 1, milliseconds) == 1 && waited.revents & Int16(POLLIN) != 0
  }
}

/// A thread that runs a closure once.
private final class ServingThread {
  private let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  /// Returns false where the system gives no thread.
  func start() -> Bool {
    var thread = pthread_t()
    // SAFETY: the thread releases what is retained here.
    let context = unsafe Unmanaged.passRetained(self).toOpaque()
    let status = unsafe pthread_create(
      &thread, nil,
      { context in
        unsafe Unmanaged<ServingThread>.fromOpaque(context!).takeRetainedValue().body()
        return nil
      }, context)
    guard status == 0 else {
      unsafe Unmanaged<ServingThread>.fromOpaque(context).release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
