import Dispatch
import Glibc
import HTTPCore

/// Event loop: a serial queue and the connections that live on it.
///
/// Everything but `init` is called on the queue and the state belongs to it: hence `@unchecked
/// Sendable`.
@safe
final class EventLoop: ConnectionOwner, @unchecked Sendable {
  /// Connections that have yielded and go on before those that have become ready meanwhile, 2.
  private static let turnLimit = 2

  let queue: DispatchQueue
  let server: ServerParts
  private let date: () -> String
  private let answer: (ParseFailure, HeaderFields?) -> Response

  let poller: Poller
  private let timer: any DispatchSourceTimer
  private var connections: [CInt: ServerConnection] = [:]
  private var deadlines = DeadlineWheel<CInt>(now: .now)
  private var idle = WaitingOrder()
  private var heads = WaitingOrder()
  private var reserve = WaitingOrder()
  private var yielded: [ServerConnection] = []
  private var isTimerRunning = false
  private var isDraining = false
  // One for all connections, since they are served in turn.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: BufferCount.readByteCount, alignment: 16)

  init(index: Int, server: ServerParts) throws(ServerError) {
    queue = DispatchQueue(label: "resnetd.io.\(index)")
    self.server = server
    date = { [dates = DateText()] in dates.current() }
    answer = server.handler.answer
    poller = try Poller(queue: queue)
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(
      deadline: .now(), repeating: .milliseconds(Int(DeadlineWheel<CInt>.step / .milliseconds(1))))
    timer.setEventHandler { [weak self] in self?.tick() }
    poller.start { [weak self] descriptor, readiness in
      // A connection that an earlier event has closed is no longer there.
      self?.connections[descriptor]?.ready(readiness)
    } onRound: { [weak self] in
      self?.proceed() ?? false
    }
  }

  deinit {
    // A suspended source must not be released.
    if !isTimerRunning { timer.resume() }
    timer.cancel()
    unsafe readBuffer.deallocate()
  }

  /// Takes over a new connection.
  func run(_ transport: Transport, _ peer: Peer, _ place: Place) {
    let connection = ServerConnection(transport, peer, place, loop: self)
    let descriptor = transport.descriptor
    connections[descriptor] = connection
    if !place.isOrdinary { connection.reserveNumber = reserve.add(descriptor) }
    setTimer(running: true)
    connection.start()
    if isDraining { connection.drain() }
  }

  /// Closes idle connections; others close after their answer.
  func drain() {
    isDraining = true
    for connection in connections.values { connection.drain() }
  }

  func closeAll() { for connection in connections.values { connection.close() } }

  func closed(_ descriptor: CInt, _ peer: Peer, _ place: Place) {
    connections[descriptor] = nil
    if connections.isEmpty {
      deadlines.removeAll()
      setTimer(running: false)
    }
    server.closed(peer, place)
  }

  func context(
    _ now: ContinuousClock.Instant, route: @escaping (RequestHead) -> HeadDecision
  ) -> ConnectionContext {
    ConnectionContext(now: now, date: date, route: route, answer: answer)
  }

  // MARK: Room

  func becameIdle(_ connection: ServerConnection) {
    if server.isRoomWanted {
      if connection.closeIfIdle() {
        server.isRoomWanted = false
        return
      }
      // It has read meanwhile, and that may have called this function for it.
      guard connection.isIdle, connection.idleNumber == nil else { return }
    }
    connection.idleNumber = idle.add(connection.descriptor)
    if idle.isMostlyStale(for: connections.count) {
      idle.compact { connections[$0]?.idleNumber == $1 }
    }
  }

  func beganHead(_ connection: ServerConnection) -> Int {
    if heads.isMostlyStale(for: connections.count) {
      heads.compact { connections[$0]?.headNumber == $1 }
    }
    return heads.add(connection.descriptor)
  }

  /// Closes the connection whose head has been arriving for longest, and longer than
  /// `headPatience`; false where there is none.
  func closeSlowestHead() -> Bool {
    while let descriptor = heads.first(where: { connections[$0]?.headNumber == $1 }),
      let connection = connections[descriptor], let since = connection.headSince,
      .now - since >= server.configuration.headPatience
    {
      if connection.closeIfSlow() { return true }
      // Its head is complete: the entry does not hold any more.
      if connection.headSince == since { return false }
    }
    return false
  }

  /// Closes the connection that has been idle for longest; false where none is.
  func closeOldestIdle() -> Bool {
    while let descriptor = idle.takeFirst(where: { connections[$0]?.idleNumber == $1 }) {
      connections[descriptor]?.idleNumber = nil
      if connections[descriptor]?.closeIfIdle() == true { return true }
    }
    return false
  }

  /// Closes the connection of the reserve that has waited longest for its first request; false
  /// where none waits.
  func closeOldestOfReserve() -> Bool {
    while let descriptor = reserve.takeFirst(where: {
      connections[$0]?.reserveNumber == $1 && connections[$0]?.awaitsFirstRequest == true
    }) {
      if connections[descriptor]?.closeIfWaiting() == true { return true }
    }
    return false
  }

  // MARK: Turns

  func yield(_ connection: ServerConnection) {
    yielded.append(connection)
    poller.wantRound()
  }

  /// Gives a turn to those that yielded first; whether others wait for theirs.
  private func proceed() -> Bool {
    guard !yielded.isEmpty else { return false }
    let turns = yielded.prefix(Self.turnLimit)
    yielded.removeFirst(turns.count)
    for connection in turns { connection.proceed() }
    return !yielded.isEmpty
  }

  // MARK: Time

  func schedule(_ descriptor: CInt, at deadline: ContinuousClock.Instant) {
    deadlines.add(descriptor, due: deadline)
  }

  private func tick() {
    let now = ContinuousClock.now
    for descriptor in deadlines.due(at: now) { connections[descriptor]?.tick(now) }
  }

  private func setTimer(running: Bool) {
    guard running != isTimerRunning else { return }
    isTimerRunning = running
    if running { timer.resume() } else { timer.suspend() }
  }
}

/// The `Date` field's value for the connections of one event loop, made anew each second.
private final class DateText {
  private var cached = (second: 0, text: "")

  func current() -> String {
    let second = time(nil)
    if cached.second != second {
      cached = (second, HTTPDate.text(secondsSinceEpoch: second))
    }
    return cached.text
  }
}
