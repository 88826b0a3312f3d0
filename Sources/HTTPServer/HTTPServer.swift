import Dispatch
import Glibc
import Synchronization

/// An HTTP/1.1 server: accepts connections and spreads them over serial queues.
///
/// The listening source belongs to the accepting queue: hence `@unchecked Sendable`.
package final class HTTPServer: @unchecked Sendable {
  /// How long accepting rests when the process has no descriptors left.
  private static let descriptorPause = DispatchTimeInterval.milliseconds(100)

  /// The port listened on, also where the configuration left it to the system; 0 of a Unix socket.
  package let port: Int
  private let configuration: ServerConfiguration
  private let lanes: [Lane]
  private let exchangeCount = ExchangeCount()
  private let queue: DispatchQueue
  private let listener: any DispatchSourceRead
  private let descriptor: Descriptor
  private let state = Mutex(State())
  private let idle: DispatchSemaphore

  private struct State {
    var connectionCount = 0
    var acceptedCount = 0
    var isAccepting = false
    var isStopped = false
  }

  /// Listens at once; connections are served from `start` on.
  package init(
    configuration: ServerConfiguration, handler: any RequestHandler
  ) throws(ServerError) {
    self.configuration = configuration
    descriptor = Descriptor(try Self.listen(configuration))
    port = Socket.port(of: descriptor.number)
    queue = DispatchQueue(label: "resnetd.accept")
    listener = DispatchSource.makeReadSource(fileDescriptor: descriptor.number, queue: queue)
    let closed = ConnectionClosed()
    lanes = try (0..<max(1, configuration.ioQueueCount)).map {
      [exchangeCount] index throws(ServerError) in
      try Lane(
        index: index, handler: handler, limits: configuration.limits, exchangeCount: exchangeCount
      ) { closed.call() }
    }
    idle = DispatchSemaphore(value: 0)
    closed.set { [weak self] in self?.connectionClosed() }
    listener.setEventHandler { [weak self] in self?.acceptWaiting() }
    listener.setCancelHandler { [descriptor] in withExtendedLifetime(descriptor) {} }
  }

  private static func listen(_ configuration: ServerConfiguration) throws(ServerError) -> CInt {
    if let path = configuration.socketPath {
      return try Socket.listen(path: path, backlog: configuration.backlog)
    }
    return try Socket.listen(
      host: configuration.host, port: configuration.port, backlog: configuration.backlog)
  }

  // Nothing refers to the server any more, hence without its queue.
  deinit { cancelListener() }

  /// Requests that are complete and wait for their answers, those of clients that have gone not counted.
  package var requestsInFlight: Int { exchangeCount.value }

  package func start() {
    state.withLock { $0.isAccepting = true }
    listener.resume()
  }

  /// Takes no more connections, lets requests in progress be answered and closes the rest; returns when all
  /// are gone or the time is over, with the number of connections that were still open then.
  @discardableResult
  package func drain(within limit: Duration) -> Int {
    queue.sync { cancelListener() }
    for lane in lanes { lane.queue.async { lane.drain() } }
    let deadline = ContinuousClock.now + limit
    while true {
      let open = state.withLock(\.connectionCount)
      let left = deadline - .now
      guard open > 0, left > .zero else { break }
      let nanoseconds = min(left, .seconds(3600)) / .nanoseconds(1)
      _ = idle.wait(timeout: .now() + .nanoseconds(Int(nanoseconds)))
    }
    let open = state.withLock(\.connectionCount)
    for lane in lanes { lane.queue.sync { lane.closeAll() } }
    return open
  }

  private func cancelListener() {
    let wasAccepting: Bool? = state.withLock { state in
      defer { (state.isAccepting, state.isStopped) = (false, true) }
      return state.isStopped ? nil : state.isAccepting
    }
    guard let wasAccepting else { return }
    // While it is this server's still: once nobody listens another may put its own there.
    if let path = configuration.socketPath { _ = unsafe unlink(path) }
    // A suspended source is neither cancelled nor may it be released.
    if !wasAccepting { listener.resume() }
    listener.cancel()
  }

  private func acceptWaiting() {
    while state.withLock({ $0.isAccepting }) {
      guard let (descriptor, address) = Socket.accept(descriptor.number) else {
        if errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM {
          pause(for: Self.descriptorPause)
        } else if errno == ECONNABORTED || errno == EINTR {
          continue
        }
        return
      }
      let (lane, isFull) = state.withLock { state in
        state.connectionCount += 1
        state.acceptedCount += 1
        let isFull = state.connectionCount >= configuration.connectionLimit
        if isFull { state.isAccepting = false }
        return (lanes[state.acceptedCount % lanes.count], isFull)
      }
      if isFull { listener.suspend() }
      lane.run(descriptor, address: address)
    }
  }

  private func pause(for interval: DispatchTimeInterval) {
    state.withLock { $0.isAccepting = false }
    listener.suspend()
    queue.asyncAfter(deadline: .now() + interval) { [weak self] in self?.resumeAccepting() }
  }

  /// On the accepting queue.
  private func resumeAccepting() {
    let resumes = state.withLock { state in
      guard !state.isAccepting, !state.isStopped,
        state.connectionCount < configuration.connectionLimit
      else { return false }
      state.isAccepting = true
      return true
    }
    if resumes { listener.resume() }
  }

  private func connectionClosed() {
    let (isLast, mayResume) = state.withLock { state in
      state.connectionCount -= 1
      return (
        state.isStopped && state.connectionCount == 0, !state.isAccepting && !state.isStopped
      )
    }
    if isLast { idle.signal() }
    if mayResume { queue.async { [weak self] in self?.resumeAccepting() } }
  }
}

/// Tells the server that a connection has closed; the lanes exist before it does.
private final class ConnectionClosed: Sendable {
  private let action = Mutex<(@Sendable () -> Void)?>(nil)

  func set(_ action: @escaping @Sendable () -> Void) { self.action.withLock { $0 = action } }

  func call() { action.withLock { $0 }?() }
}
