import Dispatch
import Glibc
import HTTPCore

/// A socket and its state machine.
///
/// All of it belongs to the lane's queue: hence `@unchecked Sendable`.
final class ServerConnection: @unchecked Sendable {
  private let descriptor: CInt
  private let address: String
  private unowned let lane: Lane

  private var machine: Connection
  private var awaited = Poller.Readiness.readable
  private var unwritten: ArraySlice<UInt8> = []
  /// The handler's alone, so that it answers when the handler drops it.
  private weak var exchange: Exchange?
  private var current: CurrentRequest?
  /// Of a body that is handed over as it arrives.
  private var streamedByteCount = 0
  /// The answer that is being sent, and since when.
  private var writing: (head: RequestHead?, since: ContinuousClock.Instant)?
  /// Whether the handler owes an answer.
  private var isInFlight = false {
    didSet { if isInFlight != oldValue { lane.exchangeCount.add(isInFlight ? 1 : -1) } }
  }
  private var isClosed = false

  private struct CurrentRequest {
    var head: RequestHead
    var bodyByteCount = 0
    var receivedAt: ContinuousClock.Instant
    var readDuration: Duration?
  }

  init(_ descriptor: CInt, address: String, lane: Lane) {
    self.descriptor = descriptor
    self.address = address
    self.lane = lane
    machine = Connection(limits: lane.limits, now: .now)
  }

  deinit { if !isClosed { Glibc.close(descriptor) } }

  func start() {
    if !lane.poller.add(descriptor, awaited) { close() }
  }

  func drain() {
    machine.drain()
    // What has arrived by now is a request in progress.
    readable()
    if !isClosed { perform(machine.closeIdle()) }
  }

  func tick(_ context: ConnectionContext) {
    guard let deadline = machine.deadline, deadline <= context.now else { return }
    perform(machine.tick(context: context))
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    isInFlight = false
    exchange?.cancel()
    Glibc.close(descriptor)
    lane.closed(descriptor)
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
    if readiness.contains(.readable) { readable() }
  }

  private func readable() {
    guard !isClosed, awaited.contains(.readable) else { return }
    switch unsafe Socket.read(descriptor, into: lane.readBuffer) {
    case .bytes(let count):
      // SAFETY: the system has just written so many bytes.
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: lane.readBuffer[..<count])
      unsafe perform(machine.receive(bytes, context: lane.context(.now, from: address)))
    case .wouldBlock: break
    case .end:
      exchange?.clientFinished()
      perform(machine.receiveEnd())
    case .failed: close()
    }
  }

  /// Sends some; what the machine wants then, or nil when nothing can be sent now.
  private func send() -> [Connection.Action]? {
    guard !unwritten.isEmpty, !awaited.contains(.writable) else { return nil }
    switch Socket.write(descriptor, unwritten) {
    case .bytes(let count):
      let now = ContinuousClock.now
      unwritten = count == unwritten.count ? [] : unwritten.dropFirst(count)
      if unwritten.isEmpty, let writing {
        self.writing = nil
        lane.handler.written(writing.head, after: now - writing.since)
      }
      return machine.wrote(
        all: unwritten.isEmpty, context: lane.context(now, from: address))
    case .wouldBlock: setWaiting(for: .writable, true)
    case .end, .failed: close()
    }
    return nil
  }

  private func setWaiting(for readiness: Poller.Readiness, _ isAwaited: Bool) {
    guard awaited.contains(readiness) != isAwaited, !isClosed else { return }
    awaited.formSymmetricDifference(readiness)
    lane.poller.change(descriptor, awaited)
  }

  // MARK: Actions

  /// Does what the machine wants, sends, and does what it wants then.
  private func perform(_ actions: [Connection.Action]) {
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
    if !isClosed, !machine.isActive { machine.releaseMemory() }
  }

  /// What follows from it.
  private func perform(_ action: Connection.Action) -> [Connection.Action] {
    switch action {
    case .write(let bytes): unwritten += bytes
    case .part(let bytes, let destination):
      streamedByteCount += bytes.count
      destination.sink.receive(bytes)
    case .handle(let request, let receivedAt, let readDuration):
      let byteCount = request.body.count + streamedByteCount
      streamedByteCount = 0
      current = CurrentRequest(
        head: request.head, bodyByteCount: byteCount, receivedAt: receivedAt,
        readDuration: byteCount == 0 ? nil : readDuration)
      if let response = handle(request, receivedAt) { return answer(response) }
    case .answer(let head, let response, let receivedAt):
      current = CurrentRequest(head: head, receivedAt: receivedAt)
      return answer(response)
    case .failed(let head, let response, let receivedAt):
      finish(head, response, since: receivedAt, at: .now)
    case .pauseReading: setWaiting(for: .readable, false)
    case .resumeReading: setWaiting(for: .readable, true)
    case .shutdownWriting: shutdown(descriptor, CInt(SHUT_WR))
    case .close: close()
    }
    return []
  }

  /// The answer, if the handler gave it at once.
  private func handle(_ request: Request, _ receivedAt: ContinuousClock.Instant) -> Response? {
    let exchange = Exchange(receivedAt: receivedAt, remoteAddress: address)
    self.exchange = exchange
    isInFlight = true
    lane.handler.handle(request, exchange)
    return exchange.handlerReturned { [weak self, queue = lane.queue] response in
      queue.async { [weak self] in self?.deliver(response) }
    }
  }

  /// An answer that came from another thread.
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
    return machine.respond(response, context: lane.context(now, from: address))
  }

  private func finish(
    _ head: RequestHead?, _ response: Response, since: ContinuousClock.Instant,
    at now: ContinuousClock.Instant
  ) {
    writing = (head, now)
    lane.handler.finished(
      ExchangeRecord(
        head: head, status: response.status, requestByteCount: current?.bodyByteCount ?? 0,
        responseByteCount: response.body.count, remoteAddress: address, duration: now - since,
        readDuration: current?.readDuration, requestID: response.fields["X-Request-Id"]))
  }
}
