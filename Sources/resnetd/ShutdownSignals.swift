import Dispatch
import Glibc
import Synchronization
import Telemetry

/// The signals of a server as events.
///
/// ```
/// SIGTERM, SIGINT   the first asks for an orderly end, the second ends the process
/// SIGHUP            what can be reread is reread
/// SIGUSR1, SIGUSR2  ignored: by default they would kill, and they mean nothing here
/// SIGPIPE           ignored: a peer that is gone is an error of a write
/// ```
///
/// The sources are only held: hence `@unchecked Sendable`.
final class ShutdownSignals: @unchecked Sendable {
  struct Signal: Sendable {
    let number: CInt

    var name: String { number == SIGINT ? "SIGINT" : "SIGTERM" }
  }

  /// Rereads one thing, which its name tells the log.
  private struct Reload {
    let name: String
    let run: @Sendable () -> Void
  }

  private struct State {
    var first: Signal?
    var action: (@Sendable () -> Void)?
    var reloads: [Reload] = []
  }

  private let log: Log
  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)
  private let sources: [any DispatchSourceSignal]

  /// Takes the signals over at once.
  init(log: Log) {
    self.log = log
    let queue = DispatchQueue(label: "resnetd.signals")
    for number in [SIGPIPE, SIGUSR1, SIGUSR2] { signal(number, SIG_IGN) }
    let taken = [SIGTERM, SIGINT, SIGHUP]
    sources = taken.map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: queue)
    }
    for (source, number) in zip(sources, taken) {
      source.setEventHandler { [unowned self] in
        if number == SIGHUP { reload() } else { received(Signal(number: number)) }
      }
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

  /// Called at each SIGHUP from now on, after those that were added before.
  func onReload(of name: String, _ run: @escaping @Sendable () -> Void) {
    state.withLock { $0.reloads.append(Reload(name: name, run: run)) }
  }

  func wait() -> Signal {
    arrived.wait()
    return state.withLock(\.first) ?? Signal(number: SIGTERM)
  }

  private func reload() {
    let reloads = state.withLock(\.reloads)
    for reload in reloads { reload.run() }
    let names = reloads.map(\.name).joined(separator: ", ")
    log.write(
      "reread", ["signal": .text("SIGHUP"), "what": .text(names.isEmpty ? "nothing" : names)])
  }

  private func received(_ signal: Signal) {
    let action: (@Sendable () -> Void)? = state.withLock { state in
      guard state.first == nil else { return nil }
      state.first = signal
      return state.action ?? {}
    }
    guard let action else {
      log.flush()
      // A process that a signal ends exits with 128 and its number, as the shell says it.
      _exit(128 + signal.number)
    }
    action()
    arrived.signal()
  }
}
