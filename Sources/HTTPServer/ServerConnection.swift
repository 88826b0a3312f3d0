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

  private let readSource: any DispatchSourceRead
  private var machine: Connection
  private var isReading = false
  private var writeSource: (any DispatchSourceWrite)?
  private var unwritten: ArraySlice<UInt8> = []
  private var exchange: Exchange?
  private var current: (head: RequestHead, byteCount: Int, since: ContinuousClock.Instant)?
  private var isClosed = false

  init(_ descriptor: CInt, address: String, lane: Lane) {
    self.descriptor = descriptor
    self.address = address
    self.lane = lane
    machine = Connection(limits: lane.limits, now: .now)
    readSource = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: lane.queue)
  }

  func start() {
    readSource.setEventHandler { [unowned self] in readable() }
    // The source refers to the descriptor until it is cancelled, so only then may it be closed.
    readSource.setCancelHandler { [descriptor] in Glibc.close(descriptor) }
    setReading(true)
  }

  func drain() { perform(machine.drain()) }

  func tick(_ now: ContinuousClock.Instant) {
    perform(machine.tick(context: lane.context(now)))
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    exchange?.cancel()
    exchange = nil
    if !isReading { readSource.resume() }
    if let writeSource {
      // The read source's cancel handler closes the descriptor: the write source must be gone before.
      writeSource.setCancelHandler { [readSource] in readSource.cancel() }
      writeSource.cancel()
    } else {
      readSource.cancel()
    }
    lane.closed(self)
  }

  // MARK: Readiness

  private func readable() {
    guard !isClosed, isReading else { return }
    switch unsafe Socket.read(descriptor, into: lane.readBuffer) {
    case .bytes(let count):
      // SAFETY: the system has just written so many bytes.
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: lane.readBuffer[..<count])
      unsafe perform(
        machine.receive(bytes, context: lane.context(.now)))
    case .wouldBlock: break
    case .end: perform(machine.receiveEnd())
    case .failed: close()
    }
  }

  private func writable() {
    guard !isClosed else { return }
    flush()
    if unwritten.isEmpty { dropWriteSource() }
  }

  /// Sends what it can; the rest waits for the socket to become writable.
  private func flush() {
    while !unwritten.isEmpty {
      switch Socket.write(descriptor, unwritten) {
      case .bytes(let count):
        unwritten = unwritten.dropFirst(count)
        if unwritten.isEmpty { unwritten = [] }
        perform(machine.wrote(all: unwritten.isEmpty, now: .now))
        if isClosed { return }
      case .wouldBlock:
        makeWriteSource()
        return
      case .end, .failed:
        close()
        return
      }
    }
  }

  private func makeWriteSource() {
    guard writeSource == nil else { return }
    let source = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: lane.queue)
    source.setEventHandler { [unowned self] in writable() }
    writeSource = source
    source.resume()
  }

  private func dropWriteSource() {
    writeSource?.cancel()
    writeSource = nil
  }

  private func setReading(_ reading: Bool) {
    guard reading != isReading, !isClosed else { return }
    isReading = reading
    if reading { readSource.resume() } else { readSource.suspend() }
  }

  // MARK: Actions

  /// Does what the machine wants, and what it wants then.
  private func perform(_ actions: [Connection.Action]) {
    var pending = actions[...]
    while let action = pending.popFirst(), !isClosed {
      switch action {
      case .write(let bytes): unwritten += bytes
      case .handle(let request, let receivedAt):
        if let response = handle(request, receivedAt) { pending = answer(response) + pending }
      case .refuse(let head, let response, let receivedAt):
        current = (head, 0, receivedAt)
        pending = answer(response) + pending
      case .failed(let response): log(nil, response, since: .now)
      case .pauseReading: setReading(false)
      case .resumeReading: setReading(true)
      case .shutdownWriting: shutdown(descriptor, CInt(SHUT_WR))
      case .close: close()
      }
      if pending.isEmpty, !isClosed, !unwritten.isEmpty, writeSource == nil { flush() }
    }
    if !isClosed, !machine.isActive { machine.releaseMemory() }
  }

  /// The answer, if the handler gave it at once.
  private func handle(_ request: Request, _ receivedAt: ContinuousClock.Instant) -> Response? {
    let exchange = Exchange(receivedAt: receivedAt)
    self.exchange = exchange
    current = (request.head, request.body.count, receivedAt)
    lane.handler.handle(request, exchange)
    return exchange.handlerReturned { [weak self, queue = lane.queue] response in
      queue.async { [weak self] in self?.deliver(response) }
    }
  }

  /// An answer that came from another thread.
  private func deliver(_ response: Response) {
    guard !isClosed else { return }
    perform(Array(answer(response)))
  }

  private func answer(_ response: Response) -> ArraySlice<Connection.Action> {
    exchange = nil
    if let current {
      log(current.head, response, since: current.since)
    }
    current = nil
    return machine.respond(response, context: lane.context(.now))[...]
  }

  private func log(
    _ head: RequestHead?, _ response: Response, since: ContinuousClock.Instant
  ) {
    lane.handler.finished(
      ExchangeRecord(
        head: head, status: response.status, requestByteCount: current?.byteCount ?? 0,
        responseByteCount: response.body.count, remoteAddress: address, duration: .now - since,
        requestID: response.fields["X-Request-Id"]))
  }
}
