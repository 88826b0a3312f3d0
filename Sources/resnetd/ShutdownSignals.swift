import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as events: the first asks for an orderly end, the second ends the process.
///
/// The sources are only held: hence `@unchecked Sendable`.
final class ShutdownSignals: @unchecked Sendable {
  struct Signal: Sendable {
    let number: CInt

    var name: String { number == SIGINT ? "SIGINT" : "SIGTERM" }
  }

  private struct State {
    var first: Signal?
    var action: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)
  private let sources: [any DispatchSourceSignal]

  /// Takes the signals over at once. SIGPIPE is ignored: a peer that is gone is an error of a write.
  init() {
    let queue = DispatchQueue(label: "resnetd.signals")
    sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: queue)
    }
    signal(SIGPIPE, SIG_IGN)
    for (source, number) in zip(sources, [SIGTERM, SIGINT]) {
      source.setEventHandler { [unowned self] in received(Signal(number: number)) }
      source.resume()
    }
  }

  /// Called when the first signal arrives, or now if it has.
  func onFirst(_ action: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      state.action = action
      return state.first != nil
    }
    if isLate { action() }
  }

  func wait() -> Signal {
    arrived.wait()
    return state.withLock(\.first) ?? Signal(number: SIGTERM)
  }

  private func received(_ signal: Signal) {
    let action: (@Sendable () -> Void)? = state.withLock { state in
      // A process that a signal ends exits with 128 and its number, as the shell says it.
      guard state.first == nil else { _exit(128 + signal.number) }
      state.first = signal
      return state.action
    }
    action?()
    arrived.signal()
  }
}
