import Dispatch
import Glibc
import HTTPCore
import Time

/// An event loop as its connections see it.
protocol ConnectionOwner: AnyObject {
  var server: ServerParts { get }
  var queue: DispatchQueue { get }
  var poller: Poller { get }
  /// Memory that one connection after the other reads into.
  var readBuffer: UnsafeMutableRawBufferPointer { get }

  func context(
    _ now: ContinuousClock.Instant, route: @escaping (RequestHead) -> HeadDecision
  ) -> ConnectionContext

  /// Has `tick` called once the deadline has passed.
  func schedule(_ descriptor: CInt, at deadline: ContinuousClock.Instant)

  /// Has `proceed` called when other connections have had their turn.
  func yield(_ connection: ServerConnection)

  /// Notes that a connection waits for its next request.
  func becameIdle(_ connection: ServerConnection)

  /// Notes that a connection has sent the beginning of a head; the number of its entry.
  func beganHead(_ connection: ServerConnection) -> Int

  func closed(_ descriptor: CInt, _ peer: Peer, _ place: Place)
}

/// A socket and its state machine.
///
/// All of it belongs to its event loop's queue: hence `@unchecked Sendable`.
final class ServerConnection: @unchecked Sendable {
  private let transport: Transport
  let peer: Peer
  let place: Place
  unowned let loop: any ConnectionOwner

  var machine: Connection
  private var awaited = Poller.Readiness.readable
  /// Whether something has to be written before anything can be read.
  private var readsAfterWriting = false
  var unwritten: ArraySlice<UInt8> = []
  // Owned by the handler alone, so that it answers when the handler drops it.
  private weak var exchange: Exchange?
  private var current: CurrentRequest?
  /// Handling of the request whose body arrives.
  var handling: Handling?
  /// Bytes so far of a body that is handed over as it arrives.
  private var streamedByteCount = 0
  /// Head of the request whose answer is being sent, and when sending began.
  private var writing: (head: RequestHead?, since: ContinuousClock.Instant)?
  /// Whether the handler owes an answer.
  private var isInFlight = false {
    didSet { if isInFlight != oldValue { loop.server.exchangeCount.add(isInFlight ? 1 : -1) } }
  }
  var isClosed = false
  /// Whether it waits for the turns of others before it goes on, and reads nothing.
  private var hasYielded = false
  /// Number of its entry among the idle connections of the event loop; nil where none holds.
  var idleNumber: Int?
  /// Number of its entry among the connections whose head arrives; nil where none holds.
  private(set) var headNumber: Int?
  /// Instant at which the head in progress began to arrive.
  private(set) var headSince: ContinuousClock.Instant?
  /// Number of its entry among the connections of the reserve; nil where none holds.
  var reserveNumber: Int?
  /// The earliest deadline that the event loop knows of.
  private var scheduled: ContinuousClock.Instant?
  /// Bytes of this connection in the server's count of buffers.
  var countedByteCount = 0
  /// Client for which a trusted proxy has sent the request in progress, if that is counted.
  var forwardedClient: NetworkAddress?

  private struct CurrentRequest {
    var head: RequestHead
    var bodyByteCount = 0
    var receivedAt: ContinuousClock.Instant
    var readDuration: Duration?
    /// Time at which all of it was there.
    var completeAt = ContinuousClock.now
  }

  init(_ transport: Transport, _ peer: Peer, _ place: Place, loop: any ConnectionOwner) {
    self.transport = transport
    self.peer = peer
    self.place = place
    self.loop = loop
    let server = loop.server
    machine = Connection(
      limits: place.isOrdinary ? server.configuration.limits : server.reserveLimits, now: .now)
    // A place of the reserve is free again after one answer.
    if !place.isOrdinary { machine.drain(at: .now) }
  }

  deinit { if !isClosed { transport.close() } }

  var descriptor: CInt { transport.descriptor }

  func start() {
    guard loop.poller.add(descriptor, awaited) else {
      close()
      return
    }
    settle()
  }

  func drain() {
    machine.drain(at: .now)
    // Bytes that have arrived by now belong to a request in progress.
    readable()
    if !isClosed { perform(machine.drainIdle(at: .now)) }
  }

  /// Acts on a deadline that the event loop has found to be over.
  func tick(_ now: ContinuousClock.Instant) {
    guard let scheduled, scheduled <= now else { return }
    self.scheduled = nil
    if let deadline = machine.deadline, deadline <= now {
      perform(machine.tick(context: context(now)))
    } else {
      schedule()
    }
  }

  /// Goes on after others have had their turn.
  func proceed() {
    guard !isClosed else { return }
    hasYielded = false
    perform(machine.proceed(context: context(.now)))
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    isInFlight = false
    exchange?.cancel()
    handling = nil
    leaveForwarded()
    _ = loop.server.buffers.add(-countedByteCount)
    transport.close()
    loop.closed(descriptor, peer, place)
  }

  // MARK: Readiness

  func ready(_ readiness: Poller.Readiness) {
    guard !readiness.contains(.broken) else {
      close()
      return
    }
    if readiness.contains(.writable) {
      setWaiting(for: .writable, false)
      perform([])
    }
    if readiness.contains(.readable) || readsAfterWriting { readable() }
  }

  func readable() {
    guard !isClosed, !hasYielded, awaited.contains(.readable) else { return }
    if loop.server.buffers.isFull {
      let actions = machine.holdBack()
      guard actions.isEmpty else {
        perform(actions)
        return
      }
    }
    readsAfterWriting = false
    switch unsafe transport.read(into: loop.readBuffer) {
    case .bytes(let count):
      // SAFETY: so many bytes have just been written there.
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count])
      unsafe perform(machine.receive(bytes, context: context(.now)))
    case .wouldBlock: break
    case .waitsForWriting:
      readsAfterWriting = true
      setWaiting(for: .writable, true)
    case .end:
      exchange?.clientFinished()
      perform(machine.receiveEnd())
    case .failed: close()
    }
  }

  /// Sends some bytes; returns the actions that follow, or nil when nothing can be sent now.
  private func send() -> [Connection.Action]? {
    guard !unwritten.isEmpty, !awaited.contains(.writable) else { return nil }
    switch transport.write(unwritten) {
    case .bytes(let count):
      let now = ContinuousClock.now
      unwritten = count == unwritten.count ? [] : unwritten.dropFirst(count)
      if unwritten.isEmpty, let writing {
        self.writing = nil
        loop.server.handler.written(writing.head, after: now - writing.since)
      }
      return machine.wrote(all: unwritten.isEmpty, context: context(now))
    case .wouldBlock, .waitsForWriting: setWaiting(for: .writable, true)
    case .end, .failed: close()
    }
    return nil
  }

  private func setWaiting(for readiness: Poller.Readiness, _ isAwaited: Bool) {
    guard awaited.contains(readiness) != isAwaited, !isClosed else { return }
    awaited.formSymmetricDifference(readiness)
    loop.poller.change(descriptor, awaited)
  }

  // MARK: Actions

  /// Performs actions of the machine, sends, and performs those that follow.
  func perform(_ actions: [Connection.Action]) {
    run(actions)
    if !isClosed { settle() }
  }

  private func run(_ actions: [Connection.Action]) {
    var pending = actions[...]
    while !isClosed {
      if let action = pending.popFirst() {
        pending = perform(action) + pending
      } else if let next = send() {
        pending = next[...]
      } else {
        break
      }
    }
  }

  /// Performs one action; returns those that follow from it.
  private func perform(_ action: Connection.Action) -> [Connection.Action] {
    switch action {
    case .write(let bytes): unwritten = unwritten.isEmpty ? bytes[...] : unwritten + bytes
    case .part(let bytes, let destination):
      streamedByteCount += bytes.count
      destination.sink.receive(bytes)
    case .handle(let request, let receivedAt, let readDuration):
      idleNumber = nil
      let byteCount = request.body.count + streamedByteCount
      streamedByteCount = 0
      current = CurrentRequest(
        head: request.head, bodyByteCount: byteCount, receivedAt: receivedAt,
        readDuration: byteCount == 0 ? nil : readDuration)
      if let response = handle(request, receivedAt) { return answer(response) }
    case .answer(let head, let response, let receivedAt):
      idleNumber = nil
      current = CurrentRequest(head: head, receivedAt: receivedAt)
      return answer(response)
    case .failed(let head, let response, let receivedAt):
      finish(head, response, since: receivedAt, at: .now)
    case .yield:
      hasYielded = true
      loop.yield(self)
    case .pauseReading: setWaiting(for: .readable, false)
    case .resumeReading: setWaiting(for: .readable, true)
    case .shutdownWriting: transport.finishWriting()
    case .close: close()
    }
    return []
  }

  /// Has the handler answer; returns the answer if it was given at once.
  private func handle(_ request: Request, _ receivedAt: ContinuousClock.Instant) -> Response? {
    guard let handling else { preconditionFailure("a request is handled as its head decided") }
    self.handling = nil
    let exchange = Exchange(receivedAt: receivedAt)
    self.exchange = exchange
    isInFlight = true
    handling.run(request, exchange)
    return exchange.handlerReturned { [weak self, queue = loop.queue] response in
      queue.async { [weak self] in self?.deliver(response) }
    }
  }

  /// Takes an answer that came from another thread.
  private func deliver(_ response: Response) {
    guard !isClosed else { return }
    perform(answer(response))
  }

  private func answer(_ response: Response) -> [Connection.Action] {
    exchange = nil
    isInFlight = false
    let now = ContinuousClock.now
    if let current { finish(current.head, response, since: current.receivedAt, at: now) }
    current = nil
    return machine.respond(response, context: context(now))
  }

  private func finish(
    _ head: RequestHead?, _ response: Response, since: ContinuousClock.Instant,
    at now: ContinuousClock.Instant
  ) {
    leaveForwarded()
    handling = nil
    writing = (head, now)
    var record = ExchangeRecord(
      head: head, status: response.status, remoteAddress: peer.text, duration: now - since)
    record.requestByteCount = current?.bodyByteCount ?? 0
    record.responseByteCount = response.body.count
    record.readDuration = current?.readDuration
    record.receivedAt = since
    if let current, let duration = current.readDuration {
      record.stages = [
        TimedStage("read", from: current.completeAt - duration, to: current.completeAt)
      ]
    }
    record.stages += response.stages
    if let head, let address = peer.address {
      let clients = loop.server.configuration.clients
      record.forwardedAddress = clients.forwarded(by: address, head.fields)
    }
    record.requestID = response.fields["X-Request-Id"]
    record.notes = response.notes
    loop.server.handler.finished(record)
  }

  // MARK: After each event

  /// Releases memory that is not needed, and tells the event loop what it must know.
  private func settle() {
    // Of an end that has been read already the socket does not tell again.
    if transport.hasEnded { readable() }
    if !machine.isActive { machine.releaseMemory() }
    schedule()
    count()
    guard !isClosed else { return }
    if machine.isIdle, place.isOrdinary {
      if idleNumber == nil { loop.becameIdle(self) }
    } else {
      idleNumber = nil
    }
    let headSince = place.isOrdinary ? machine.headReceivedSince : nil
    if headSince != self.headSince {
      self.headSince = headSince
      headNumber = headSince == nil ? nil : loop.beganHead(self)
    }
  }

  /// Tells the event loop of an earlier deadline; one that is put off leaves the entry as it is.
  private func schedule() {
    guard let deadline = machine.deadline else { return }
    if let scheduled, scheduled <= deadline { return }
    scheduled = deadline
    loop.schedule(descriptor, at: deadline)
  }
}
