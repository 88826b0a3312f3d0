import Dispatch
import Glibc
import Synchronization

/// Handshakes of a server's new connections, one step after the other on a queue of its own: the
/// sums of public keys keep no event loop waiting, and take one core at most.
///
/// Everything but `init`, `begin` and `hasRoom` is called on the queue and the state belongs to it:
/// hence `@unchecked Sendable`.
final class HandshakeDesk: @unchecked Sendable {
  /// Whoever waits for a handshake; nil where it has failed.
  typealias Completion = @Sendable (TLSSession?) -> Void

  /// A structure, because a closure in a generic type is wrapped anew on every read.
  private struct Handshake {
    let session: TLSSession
    let client: String
    let number: Int
    let deadline: ContinuousClock.Instant
    var awaited: Poller.Readiness
    let completion: Completion
  }

  /// Time between looks for handshakes that take too long, 250 ms.
  private static let step = DispatchTimeInterval.milliseconds(250)
  /// Bytes of a plain request that are taken in so that its client gets to read the answer, 64 KiB.
  private static let plainRequestByteLimit = 64 << 10

  private let identity: TLSIdentity
  private let limit: Int
  private let timeout: Duration
  private let queue = DispatchQueue(label: "resnetd.tls")
  private let poller: Poller
  private let timer: any DispatchSourceTimer
  private var isTimerRunning = false
  private var handshakes: [CInt: Handshake] = [:]
  private var order = WaitingOrder()
  private let count = Atomic(0)

  /// - Parameters:
  ///   - limit: Handshakes at once; for a further one the oldest is ended.
  ///   - timeout: Time for a whole handshake.
  init(_ identity: TLSIdentity, limit: Int, timeout: Duration) throws(ServerError) {
    self.identity = identity
    (self.limit, self.timeout) = (limit, timeout)
    poller = try Poller(queue: queue)
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now(), repeating: Self.step)
    timer.setEventHandler { [weak self] in self?.tick() }
    poller.start { [weak self] descriptor, readiness in
      self?.ready(descriptor, readiness)
    } onRound: {
      false
    }
  }

  deinit {
    // A suspended source must not be released.
    if !isTimerRunning { timer.resume() }
    timer.cancel()
  }

  /// Whether half of the room is free, for clients that have enough connections already.
  var hasRoom: Bool { count.load(ordering: .relaxed) < limit / 2 }

  /// Begins a handshake on a socket, which the session of its completion owns; where it fails, the
  /// socket is closed.
  func begin(_ descriptor: CInt, _ client: String, _ completion: @escaping Completion) {
    queue.async { [self] in start(descriptor, client, completion) }
  }

  /// Ends all handshakes.
  func endAll() {
    queue.sync {
      for handshake in handshakes.values { fail(handshake, reason: "the server stops") }
    }
  }

  // MARK: Handshakes

  private func start(_ descriptor: CInt, _ client: String, _ completion: @escaping Completion) {
    if handshakes.count >= limit, let oldest = takeOldest() {
      fail(oldest, reason: "more than \(limit) handshakes at once")
    }
    guard let session = identity.current().session(descriptor) else {
      Glibc.close(descriptor)
      identity.handshakeFailed(client, reason: "no memory for a session")
      return completion(nil)
    }
    let handshake = Handshake(
      session: session, client: client, number: order.add(descriptor), deadline: .now + timeout,
      awaited: .readable, completion: completion)
    handshakes[descriptor] = handshake
    count.store(handshakes.count, ordering: .relaxed)
    if order.isMostlyStale(for: handshakes.count) {
      order.compact { handshakes[$0]?.number == $1 }
    }
    setTimer(running: true)
    guard poller.add(descriptor, handshake.awaited) else {
      return fail(handshake, reason: "the socket cannot be watched")
    }
    proceed(handshake)
  }

  private func ready(_ descriptor: CInt, _ readiness: Poller.Readiness) {
    // One that an earlier event has ended is no longer there.
    guard let handshake = handshakes[descriptor] else { return }
    guard !readiness.contains(.broken) else {
      return fail(handshake, reason: nil)
    }
    proceed(handshake)
  }

  private func proceed(_ handshake: Handshake) {
    let session = handshake.session
    switch session.handshake() {
    case .done:
      forget(handshake)
      poller.remove(session.descriptor)
      identity.handshakeDone()
      handshake.completion(session)
    case .waits(let readiness):
      guard readiness != handshake.awaited else { return }
      handshakes[session.descriptor]?.awaited = readiness
      poller.change(session.descriptor, readiness)
    case .ended: fail(handshake, reason: nil)
    case .failed(let reason): fail(handshake, reason: reason)
    case .plainHTTP(let reason):
      Self.answerPlainly(session.descriptor)
      fail(handshake, reason: reason)
    }
  }

  private func fail(_ handshake: Handshake, reason: String?) {
    forget(handshake)
    // What OpenSSL has to say of the failure it has said.
    Glibc.close(handshake.session.descriptor)
    identity.handshakeFailed(handshake.client, reason: reason)
    handshake.completion(nil)
  }

  private func forget(_ handshake: Handshake) {
    handshakes[handshake.session.descriptor] = nil
    count.store(handshakes.count, ordering: .relaxed)
    if handshakes.isEmpty { setTimer(running: false) }
  }

  private func takeOldest() -> Handshake? {
    order.takeFirst { handshakes[$0]?.number == $1 }.flatMap { handshakes[$0] }
  }

  /// Tells a client that speaks HTTP without TLS what is spoken here.
  private static func answerPlainly(_ descriptor: CInt) {
    let body =
      #"{"type":"about:blank","title":"Bad Request","status":400,"#
      + #""detail":"this port speaks TLS: ask for https:// in place of http://"}"# + "\n"
    let answer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
      + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    // If bytes of the request were left unread, the system would take the answer back.
    var rest = [UInt8](repeating: 0, count: plainRequestByteLimit)
    _ = unsafe rest.withUnsafeMutableBytes { unsafe Socket.read(descriptor, into: $0) }
    _ = Socket.write(descriptor, Array(answer.utf8)[...])
    shutdown(descriptor, CInt(SHUT_WR))
  }

  // MARK: Time

  private func tick() {
    let now = ContinuousClock.now
    while let descriptor = order.first(where: { handshakes[$0]?.number == $1 }),
      let handshake = handshakes[descriptor], handshake.deadline <= now
    {
      fail(handshake, reason: "not complete in time")
    }
  }

  private func setTimer(running: Bool) {
    guard running != isTimerRunning else { return }
    isTimerRunning = running
    if running { timer.resume() } else { timer.suspend() }
  }
}
