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
  private static let descriptorPause = DispatchTimeInterval.milliseconds(100)

  /// Port that is listened on, also where the system chose it; 0 for a Unix socket.
  package let port: Int
  private let configuration: ServerConfiguration
  private let parts: ServerParts
  private let loops: [EventLoop]
  /// Desk of handshakes; nil where connections are not encrypted.
  private let desk: HandshakeDesk?
  private let next: @Sendable (CInt) -> Accepted
  private let queue: DispatchQueue
  private let listener: any DispatchSourceRead
  private let descriptor: Descriptor
  private let listenerClosed = DispatchSemaphore(value: 0)
  private let state = Mutex(State())
  private let idle = DispatchSemaphore(value: 0)

  private struct State {
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

  // MARK: Accepting

  private var placeCount: Int { configuration.connectionLimit + configuration.reserveLimit }

  /// Takes connections that wait when nobody is to connect any more: the system would reset them. Just
  /// before the listening socket is closed, so that hardly one can come after it.
  private func acceptLast() {
    while state.withLock({ $0.connectionCount < placeCount }) {
      switch next(descriptor.number) {
      case .connection(let number, let address): take(number, address)
      case .aborted: continue
      case .none, .exhausted: return
      }
    }
  }

  private func acceptWaiting() {
    while state.withLock(\.isAccepting) {
      if desk?.isBusy == true { return pause() }
      if state.withLock({ $0.connectionCount >= placeCount }) {
        guard Socket.isReadable(descriptor.number) else { return }
        guard pauseIfFull() else { continue }
        makeRoom()
        return
      }
      switch next(descriptor.number) {
      case .connection(let number, let address): take(number, address)
      case .aborted: continue
      case .none: return
      case .exhausted:
        pause()
        queue.asyncAfter(deadline: .now() + Self.descriptorPause) { [weak self] in
          self?.resumeAccepting()
        }
        desk?.makeRoom()
        makeRoom()
        return
      }
    }
  }

  private func take(_ descriptor: CInt, _ address: String) {
    var peer = Peer(text: address, address: NetworkAddress(withPort: address))
    var isOverLimit = false
    if let clients = parts.clients, let address = peer.address, !clients.limits.trusts(address) {
      isOverLimit = !clients.enter(address.client)
      peer.client = isOverLimit ? nil : address.client
    }
    guard let desk else { return place(.plain(descriptor), peer, isOverLimit) }
    guard !isOverLimit || desk.hasRoom else {
      Glibc.close(descriptor)
      return
    }
    state.withLock { $0.handshakeCount += 1 }
    desk.begin(descriptor, peer) { [self, peer, isOverLimit] session in
      if let session {
        place(.encrypted(session), peer, isOverLimit)
      } else if let client = peer.client {
        parts.clients?.leave(client)
      }
      let isLast = state.withLock { state in
        state.handshakeCount -= 1
        return state.isStopped && state.openCount == 0
      }
      if isLast { idle.signal() }
    }
  }

  /// Gives a connection its place among the others.
  private func place(_ transport: Transport, _ peer: Peer, _ isOverLimit: Bool) {
    let (index, isCrowded, isRefused) = state.withLock { state in
      // While hands were shaken, others may have taken the last place: one of the reserve takes over
      // the handshake's own.
      let limit = placeCount + (desk == nil ? 0 : configuration.handshakeLimit)
      let hasRoom =
        isOverLimit
        ? state.overLimitCount < configuration.reserveLimit : state.connectionCount < limit
      guard hasRoom else { return (0, false, true) }
      state.connectionCount += 1
      state.acceptedCount += 1
      if isOverLimit { state.overLimitCount += 1 }
      let isCrowded = state.connectionCount > configuration.connectionLimit
      return (state.acceptedCount % loops.count, isCrowded, false)
    }
    if isRefused {
      transport.close()
      if let client = peer.client { parts.clients?.leave(client) }
    } else if isOverLimit {
      run(transport, peer, .overClientLimit, loop: index)
    } else if isCrowded {
      findPlace(for: transport, peer, loop: index)
    } else {
      run(transport, peer, .ordinary, loop: index)
    }
  }

  private func run(_ transport: Transport, _ peer: Peer, _ place: Place, loop index: Int) {
    let loop = loops[index]
    loop.queue.async { loop.run(transport, peer, place) }
  }

  /// Asks one event loop after the other for the place of a connection that may go: an idle one,
  /// then one with a slow head.
  private func findPlace(
    for transport: Transport, _ peer: Peer, loop index: Int, asked: Int = 0
  ) {
    let loop = loops[(index + asked) % loops.count]
    loop.queue.async { [self] in
      let hasRoom = asked < loops.count ? loop.closeOldestIdle() : loop.closeSlowestHead()
      if hasRoom {
        loop.run(transport, peer, .ordinary)
      } else if asked + 1 < 2 * loops.count {
        findPlace(for: transport, peer, loop: index, asked: asked + 1)
      } else {
        loop.run(transport, peer, .reserve)
      }
    }
  }

  /// Has an idle connection closed, else one with a slow head, else one of the reserve that has
  /// sent no request, else the next one that is idle.
  private func makeRoom() {
    // Before the event loops are asked: a connection may become idle after its own has been.
    parts.isRoomWanted = true
    askForRoom(from: 0)
  }

  private func askForRoom(from asked: Int) {
    let loop = loops[asked % loops.count]
    loop.queue.async { [weak self, parts] in
      // Room that has been found meanwhile is enough.
      guard let self, !state.withLock(\.isAccepting) else { return }
      let hasRoom =
        switch asked / loops.count {
        case 0: loop.closeOldestIdle()
        case 1: loop.closeSlowestHead()
        default: loop.closeOldestOfReserve()
        }
      if hasRoom {
        parts.isRoomWanted = false
      } else if asked + 1 < 3 * loops.count {
        askForRoom(from: asked + 1)
      }
    }
  }

  private func pause() {
    state.withLock { $0.isAccepting = false }
    listener.suspend()
  }

  /// Stops accepting if all places are taken, in one step: a connection that closes a moment later
  /// finds that it has to resume it.
  private func pauseIfFull() -> Bool {
    let isFull = state.withLock { state in
      guard state.connectionCount >= placeCount else { return false }
      state.isAccepting = false
      return true
    }
    if isFull { listener.suspend() }
    return isFull
  }

  /// Goes on accepting, if there is room; called on the accepting queue.
  private func resumeAccepting() {
    let resumes = state.withLock { state in
      guard !state.isAccepting, !state.isStopped, state.connectionCount < placeCount else {
        return false
      }
      state.isAccepting = true
      return true
    }
    guard resumes else { return }
    parts.isRoomWanted = false
    listener.resume()
  }

  private func connectionClosed(_ peer: Peer, _ place: Place) {
    if let client = peer.client { parts.clients?.leave(client) }
    let (isLast, mayResume) = state.withLock { state in
      state.connectionCount -= 1
      if case .overClientLimit = place { state.overLimitCount -= 1 }
      return (
        state.isStopped && state.openCount == 0, !state.isAccepting && !state.isStopped
      )
    }
    if isLast { idle.signal() }
    if mayResume { queue.async { [weak self] in self?.resumeAccepting() } }
  }
}

/// Report to the server that connections may be accepted again; the desk of handshakes exists before
/// it does. A struct inside, for the reason that `ConnectionClosed` gives.
private final class RoomFound: Sendable {
  private struct Report {
    var call: @Sendable () -> Void = {}
  }

  private let report = Mutex(Report())

  func set(_ call: @escaping @Sendable () -> Void) { report.withLock { $0.call = call } }

  func call() { report.withLock { $0 }.call() }
}

/// Report to the server that a connection has closed; the event loops exist before it does.
///
/// The closure is a member of a struct: taken out of a generic container by itself it would be
/// wrapped anew at each reading and put back so, until calling it exhausts the stack.
package final class ConnectionClosed: Sendable {
  package typealias Call = @Sendable (Peer, Place) -> Void

  private struct Report {
    var call: Call = { _, _ in }
  }

  private let report = Mutex(Report())

  package init() {}

  package func set(_ call: @escaping Call) { report.withLock { $0.call = call } }

  package func call(_ peer: Peer, _ place: Place) { report.withLock { $0 }.call(peer, place) }
}

extension HTTPServer {
  /// Listens at a port for a moment. Throws if a server could not.
  package static func tryListening(host: String, port: Int) throws(ServerError) {
    close(try Socket.listen(host: host, port: port, backlog: 1))
  }
}
