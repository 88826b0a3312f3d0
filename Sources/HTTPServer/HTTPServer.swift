import Dispatch
import Glibc
import HTTPCore
import Synchronization
import Time

/// HTTP/1.1 server, which accepts connections and spreads them over event loops.
///
///     TLS -> the desk of handshakes, and from there on as without
///     free place -> an event loop    all taken -> the place of the longest idle connection
///                                              -> else the reserve, for essential requests
///                                              -> else the backlog, until a place is free
///
/// The listening source belongs to the accepting queue: hence `@unchecked Sendable`.
package final class HTTPServer: @unchecked Sendable {
  /// Time that accepting rests when the process has no descriptors left and no connection is idle,
  /// 100 ms.
  static let descriptorPause = DispatchTimeInterval.milliseconds(100)

  /// Port that is listened on, also where the system chose it; 0 for a Unix socket.
  package let port: Int
  let configuration: ServerConfiguration
  let parts: ServerParts
  let loops: [EventLoop]
  /// Desk of handshakes; nil where connections are not encrypted.
  let desk: HandshakeDesk?
  let next: @Sendable (CInt) -> Accepted
  let queue: DispatchQueue
  let listener: any DispatchSourceRead
  let descriptor: Descriptor
  private let listenerClosed = DispatchSemaphore(value: 0)
  let state = Mutex(State())
  let idle = DispatchSemaphore(value: 0)

  struct State {
    var connectionCount = 0
    /// Connections whose handshake is not complete, which have no place yet.
    var handshakeCount = 0
    /// Connections of clients that have as many as they may.
    var overLimitCount = 0
    var acceptedCount = 0
    var isAccepting = false
    var isStopped = false

    var openCount: Int { connectionCount + handshakeCount }
  }

  /// Listens at once; connections are served from `start` on.
  ///
  /// - Parameter next: Takes the next waiting connection of a listening socket; tests make it fail.
  package init(
    configuration: ServerConfiguration, handler: any RequestHandler,
    accept next: @escaping @Sendable (CInt) -> Accepted = HTTPServer.accept
  ) throws(ServerError) {
    self.configuration = configuration
    self.next = next
    let descriptor = Descriptor(try Self.listen(configuration))
    self.descriptor = descriptor
    port = Socket.port(of: descriptor.number)
    let closed = ConnectionClosed()
    let parts = ServerParts(configuration, handler) { peer, place in closed.call(peer, place) }
    self.parts = parts
    loops = try (0..<max(1, configuration.ioQueueCount)).map { index throws(ServerError) in
      try EventLoop(index: index, server: parts)
    }
    let room = RoomFound()
    desk = try configuration.identity.map { identity throws(ServerError) in
      try HandshakeDesk(
        identity, limit: configuration.handshakeLimit, timeout: configuration.handshakeTimeout
      ) { room.call() }
    }
    queue = DispatchQueue(label: "resnetd.accept")
    listener = DispatchSource.makeReadSource(fileDescriptor: descriptor.number, queue: queue)
    room.set { [weak self] in
      self?.queue.async { [weak self] in self?.resumeAccepting() }
    }
    closed.set { [weak self] peer, place in self?.connectionClosed(peer, place) }
    listener.setEventHandler { [weak self] in self?.acceptWaiting() }
    listener.setCancelHandler { [weak self, listenerClosed] in
      self?.acceptLast()
      descriptor.close()
      listenerClosed.signal()
    }
  }

  /// Takes the next waiting connection of a listening socket.
  @Sendable
  package static func accept(_ listener: CInt) -> Accepted { Socket.accept(listener) }

  /// Returns whether a listening socket is one of this machine alone, and not on a port.
  package static func isLocal(_ listener: CInt) -> Bool { Socket.port(of: listener) == 0 }

  private static func listen(_ configuration: ServerConfiguration) throws(ServerError) -> CInt {
    if let inherited = configuration.inherited { return try Socket.listen(inherited: inherited) }
    if let path = configuration.socketPath {
      return try Socket.listen(
        path: path, mode: configuration.socketMode, backlog: configuration.backlog)
    }
    return try Socket.listen(
      host: configuration.host, port: configuration.port, backlog: configuration.backlog)
  }

  // Nothing refers to the server any more, hence without its queue.
  deinit { stopAccepting() }

  /// Number of complete requests that wait for their answers and whose clients have not gone.
  package var requestsInFlight: Int { parts.exchangeCount.value }

  /// Number of open connections, those of the reserve among them.
  package var connectionCount: Int { state.withLock(\.connectionCount) }

  /// Number of bytes that clients have buffered here.
  package var bufferedByteCount: Int { parts.buffers.value }

  package func start() {
    state.withLock { $0.isAccepting = true }
    listener.resume()
  }

  /// Returns whether all event loops and the accepting queue have had a turn within the time: a
  /// queue that is stuck serves nobody.
  package func takesTurns(within limit: Duration) -> Bool {
    let turns = DispatchSemaphore(value: 0)
    let queues = loops.map(\.queue) + [queue]
    for queue in queues { queue.async { turns.signal() } }
    let deadline = ContinuousClock.now + limit
    return queues.allSatisfy { _ in turns.wait(for: deadline - .now) }
  }

  // MARK: Drain

  /// Serves connections that wait to be accepted, refuses further ones, lets requests in progress
  /// be answered and closes the rest.
  ///
  /// - Returns: The number of connections that were still open when the time was over, 0 when all
  ///   have gone before.
  @discardableResult
  package func drain(within limit: Duration) -> Int {
    closeListener()
    for loop in loops { loop.queue.async { loop.drain() } }
    desk?.drain(within: configuration.limits.drainHeaderTimeout)
    let deadline = ContinuousClock.now + limit
    while true {
      let open = state.withLock(\.openCount)
      let left = deadline - .now
      guard open > 0, left > .zero else { break }
      _ = idle.wait(for: left)
    }
    // A handshake is nobody's request yet.
    let open = state.withLock(\.connectionCount)
    desk?.endAll()
    for loop in loops { loop.queue.sync { loop.closeAll() } }
    return open
  }

  /// Stops listening; returns when nobody can connect any more.
  private func closeListener() {
    queue.sync { stopAccepting() }
    listenerClosed.wait()
    // For another call of `drain`.
    listenerClosed.signal()
  }

  private func stopAccepting() {
    let wasAccepting: Bool? = state.withLock { state in
      defer { (state.isAccepting, state.isStopped) = (false, true) }
      return state.isStopped ? nil : state.isAccepting
    }
    guard let wasAccepting else { return }
    // While the file is still this server's: once nobody listens another may put its own there.
    if let path = configuration.socketPath, configuration.inherited == nil {
      _ = unsafe unlink(path)
    }
    // A suspended source cannot be cancelled and must not be released.
    if !wasAccepting { listener.resume() }
    listener.cancel()
  }
}

extension HTTPServer {
  /// Listens at a port for a moment. Throws if a server could not.
  package static func tryListening(host: String, port: Int) throws(ServerError) {
    close(try Socket.listen(host: host, port: port, backlog: 1))
  }

  /// Throws if a server could not listen on a Unix socket now, as far as it can be told without
  /// making one.
  package static func tryListening(path: String) throws(ServerError) {
    try Socket.tryListening(path: path)
  }
}
