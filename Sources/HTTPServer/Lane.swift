import Dispatch
import Glibc
import HTTPCore

/// A serial queue and the connections that live on it.
///
/// Everything but `run` is called on the queue and the state belongs to it: hence `@unchecked Sendable`.
@safe
final class Lane: @unchecked Sendable {
  /// How often timeouts are looked at; they are late by at most this.
  static let tickInterval = DispatchTimeInterval.milliseconds(250)
  static let readByteCount = 64 * 1024

  let queue: DispatchQueue
  let handler: any RequestHandler
  let limits: ConnectionLimits
  let exchangeCount: ExchangeCount
  private let onClose: @Sendable () -> Void

  let poller: Poller
  private let timer: any DispatchSourceTimer
  private var connections: [CInt: ServerConnection] = [:]
  private var isTimerRunning = false
  private var cachedDate = (second: 0, text: "")
  /// One for all connections of the lane, since they are served in turn.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: Lane.readByteCount, alignment: 16)

  init(
    index: Int, handler: any RequestHandler, limits: ConnectionLimits,
    exchangeCount: ExchangeCount, onClose: @escaping @Sendable () -> Void
  ) throws(ServerError) {
    queue = DispatchQueue(label: "resnetd.io.\(index)")
    self.handler = handler
    self.limits = limits
    self.exchangeCount = exchangeCount
    self.onClose = onClose
    poller = try Poller(queue: queue)
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now(), repeating: Self.tickInterval)
    timer.setEventHandler { [weak self] in self?.tick() }
    poller.start { [weak self] descriptor, readiness in
      // One that an event before this one has closed is no longer there.
      self?.connections[descriptor]?.ready(readiness)
    }
  }

  deinit {
    // A suspended source may not be released.
    if !isTimerRunning { timer.resume() }
    timer.cancel()
    unsafe readBuffer.deallocate()
  }

  /// Takes a new connection over, from any thread.
  func run(_ descriptor: CInt, address: String) {
    queue.async { [self] in
      let connection = ServerConnection(descriptor, address: address, lane: self)
      connections[descriptor] = connection
      setTimer(running: true)
      connection.start()
    }
  }

  /// Idle connections close; others do after their answer.
  func drain() {
    for connection in connections.values { connection.drain() }
  }

  func closeAll() { for connection in connections.values { connection.close() } }

  func closed(_ descriptor: CInt) {
    connections[descriptor] = nil
    if connections.isEmpty { setTimer(running: false) }
    onClose()
  }

  /// The `Date` field's value, made anew each second.
  private func date() -> String {
    let second = time(nil)
    if cachedDate.second != second {
      cachedDate = (second, HTTPDate.text(secondsSinceEpoch: second))
    }
    return cachedDate.text
  }

  func context(
    _ now: ContinuousClock.Instant, from address: String = "-"
  ) -> ConnectionContext {
    ConnectionContext(
      now: now, date: date, route: { [handler] in handler.receive($0, from: address) },
      answer: handler.answer)
  }

  private func tick() {
    let now = ContinuousClock.now
    let context = context(now)
    for connection in connections.values { connection.tick(context) }
  }

  private func setTimer(running: Bool) {
    guard running != isTimerRunning else { return }
    isTimerRunning = running
    if running { timer.resume() } else { timer.suspend() }
  }
}
