import Dispatch
import Glibc
import HTTPCore
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
    let peer: Peer
    let number: Int
    var deadline: ContinuousClock.Instant
    var awaited: Poller.Readiness
    /// Whether anything has come from the client.
    var hasSent = false
    let completion: Completion
  }

  /// Time between looks for handshakes that take too long, 250 ms.
  private static let step = DispatchTimeInterval.milliseconds(250)
  /// Connections that may wait for their handshake to begin, 64: the system keeps further ones.
  private static let waitingLimit = 64
  /// Bytes of a client that are taken in before its socket is closed, 16 KiB.
  private static let leftoverByteLimit = 16 << 10
  private static let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")

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
  private let waitingCount = Atomic(0)
  private let isRoomWanted = Atomic(false)
  private let onRoom: @Sendable () -> Void
  /// Time for a handshake once the server stops; nil before.
  private var drainPatience: Duration?

  /// - Parameters:
  ///   - limit: Handshakes at once; for a further one another is ended: one of the client that has
  ///     most, first of those that have sent nothing, the oldest.
  ///   - timeout: Time for a whole handshake.
  ///   - onRoom: Called when there is room again, after `isBusy` was true.
  init(
    _ identity: TLSIdentity, limit: Int, timeout: Duration, onRoom: @escaping @Sendable () -> Void
  ) throws(ServerError) {
    self.identity = identity
    (self.limit, self.timeout, self.onRoom) = (limit, timeout, onRoom)
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

  /// Whether so many connections wait for their handshake to begin that no further one should be
  /// accepted; `onRoom` is called when that is over.
  var isBusy: Bool {
    guard waitingCount.load(ordering: .relaxed) >= Self.waitingLimit else { return false }
    isRoomWanted.store(true, ordering: .sequentiallyConsistent)
    // What has begun meanwhile may not have seen the wish.
    return waitingCount.load(ordering: .sequentiallyConsistent) >= Self.waitingLimit
  }

  /// Begins a handshake on a socket, which the session of its completion owns; where it fails, the
  /// socket is closed.
  func begin(_ descriptor: CInt, _ peer: Peer, _ completion: @escaping Completion) {
    let deadline = ContinuousClock.now + timeout
    waitingCount.add(1, ordering: .sequentiallyConsistent)
    queue.async { [self] in
      let left = waitingCount.subtract(1, ordering: .sequentiallyConsistent).newValue
      if left < Self.waitingLimit / 2,
        isRoomWanted.exchange(false, ordering: .sequentiallyConsistent)
      {
        onRoom()
      }
      start(descriptor, peer, deadline, completion)
    }
  }

  /// Ends a handshake, if there is any, so that its descriptor is free.
  func makeRoom() {
    queue.async { [self] in
      if let victim = victim() { fail(victim, reason: "no descriptors are left") }
    }
  }

  /// Gives handshakes no more than this time from now on.
  func drain(within patience: Duration) {
    queue.async { [self] in
      drainPatience = patience
      let deadline = ContinuousClock.now + patience
      for descriptor in handshakes.keys {
        handshakes[descriptor].map { handshakes[descriptor]?.deadline = min($0.deadline, deadline) }
      }
    }
  }

  /// Ends all handshakes.
  func endAll() {
    queue.sync {
      for handshake in handshakes.values { fail(handshake, reason: "the server stops") }
    }
  }

  // MARK: Handshakes

  private func start(
    _ descriptor: CInt, _ peer: Peer, _ deadline: ContinuousClock.Instant,
    _ completion: @escaping Completion
  ) {
    // Nobody needs sums for a client that has gone while it waited.
    guard !Socket.hasEnded(descriptor), let session = identity.current().session(descriptor) else {
      Glibc.close(descriptor)
      identity.handshakeFailed(peer.text, reason: nil)
      return completion(nil)
    }
    if handshakes.count >= limit, let victim = victim() {
      fail(victim, reason: "more than \(limit) handshakes at once")
    }
    let handshake = Handshake(
      session: session, peer: peer, number: order.add(descriptor),
      deadline: drainPatience.map { min(deadline, .now + $0) } ?? deadline, awaited: .readable,
      completion: completion)
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
    if !handshake.hasSent {
      // Looked at before OpenSSL reads it. Without a byte there is nothing to do, or the end.
      guard let first = Socket.peek(session.descriptor) else {
        if Socket.hasEnded(session.descriptor) { fail(handshake, reason: nil) }
        return
      }
      handshakes[session.descriptor]?.hasSent = true
      // The first record of TLS is a handshake, 22; a method is in capitals.
      if Self.capitals ~= first {
        Self.answerPlainly(session.descriptor)
        return fail(handshake, reason: "HTTP without TLS")
      }
    }
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
    case .rejected(let reason):
      end(handshake)
      identity.handshakeRejected(handshake.peer.text, reason: reason)
      handshake.completion(nil)
    }
  }

  private func fail(_ handshake: Handshake, reason: String?) {
    end(handshake)
    identity.handshakeFailed(handshake.peer.text, reason: reason)
    handshake.completion(nil)
  }

  private func end(_ handshake: Handshake) {
    forget(handshake)
    Self.close(handshake.session.descriptor)
  }

  private func forget(_ handshake: Handshake) {
    handshakes[handshake.session.descriptor] = nil
    count.store(handshakes.count, ordering: .relaxed)
    if handshakes.isEmpty { setTimer(running: false) }
  }

  /// Returns the handshake that ends first if there is no room.
  private func victim() -> Handshake? {
    var counts: [NetworkAddress?: Int] = [:]
    for handshake in handshakes.values { counts[handshake.peer.address?.client, default: 0] += 1 }
    func rank(_ handshake: Handshake) -> (Int, Int, Int) {
      (
        -(counts[handshake.peer.address?.client] ?? 0), handshake.hasSent ? 1 : 0, handshake.number
      )
    }
    return handshakes.values.min { rank($0) < rank($1) }
  }

  /// Closes a socket after what has been written to it: if bytes of the client were left unread, the
  /// system would take an alert or answer back.
  private static func close(_ descriptor: CInt) {
    shutdown(descriptor, CInt(SHUT_WR))
    var rest = [UInt8](repeating: 0, count: leftoverByteLimit)
    _ = unsafe rest.withUnsafeMutableBytes { unsafe Socket.read(descriptor, into: $0) }
    Glibc.close(descriptor)
  }

  /// Tells a client that speaks HTTP without TLS what is spoken here.
  private static func answerPlainly(_ descriptor: CInt) {
    let body =
      #"{"type":"urn:resnetd:problem:tls","title":"Bad Request","status":400,"#
      + #""detail":"this port speaks TLS: ask for https:// in place of http://"}"# + "\n"
    let answer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\n"
      + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    _ = Socket.write(descriptor, Array(answer.utf8)[...])
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
