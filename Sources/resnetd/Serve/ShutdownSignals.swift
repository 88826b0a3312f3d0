import Dispatch
import Glibc
import Inference
import Serving
import Synchronization
import Telemetry

/// The signals of a server as events.
///
/// ```
/// SIGTERM, SIGINT   the first asks for an orderly end, the second ends the process; the same one again within a moment is
///                   taken for the first: some supervisors signal a process and its group
/// SIGHUP            what can be reread is reread
/// SIGUSR1, SIGUSR2  ignored: by default they would kill, and they mean nothing here
/// SIGPIPE           ignored: a peer that is gone is an error of a write
/// ```
///
/// A thread of its own waits for them, and another does what they ask for: a second signal ends the process whatever the
/// first has led to, and where the system gives Dispatch no thread any more.
final class ShutdownSignals: Sendable {
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
    var firstAt = ContinuousClock.now
    var action: (@Sendable () -> Void)?
    var reloads: [Reload] = []
  }

  /// Seconds for the last lines of the log; then the process ends without them.
  private static let lastLinesTime: CUnsignedInt = 2

  private let log: Log
  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)
  /// What is to be done about signals, one after the other.
  private let reactions = Mutex<[Reaction]>([])
  private let hasReaction = DispatchSemaphore(value: 0)

  /// In a structure, for a closure in a generic type is wrapped anew whenever it is read.
  private struct Reaction {
    let run: @Sendable () -> Void
  }

  /// Within which the same signal again means nothing new.
  private static let repetitionInterval = Duration.seconds(1)

  /// Takes the signals over. To be called before there are other threads: those made later get none of them.
  init(log: Log) throws(Failure) {
    self.log = log
    for number in [SIGPIPE, SIGUSR1, SIGUSR2] { signal(number, SIG_IGN) }
    var set = sigset_t()
    // SAFETY: all of them change or read this function's own set.
    unsafe sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    let threads = [
      WorkerThread { [self] in
        while true {
          hasReaction.wait()
          reactions.withLock { $0.removeFirst() }.run()
        }
      },
      WorkerThread { [self, set] in
        var number: CInt = 0
        while true {
          // SAFETY: as above.
          guard unsafe withUnsafePointer(to: set, { unsafe sigwait($0, &number) }) == 0 else {
            continue
          }
          if number == SIGHUP {
            add { [self] in reload() }
          } else {
            received(Signal(number: number))
          }
        }
      },
    ]
    for thread in threads {
      guard let thread else { throw ResourceCheck.refusal(threads: threads.count, given: 0) }
      thread.detach()
    }
  }

  private func add(_ run: @escaping @Sendable () -> Void) {
    reactions.withLock { $0.append(Reaction(run: run)) }
    hasReaction.signal()
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
    let now = ContinuousClock.now
    let (isFirst, isRepeated, action) = state.withLock { state in
      if let first = state.first {
        let isRepeated =
          first.number == signal.number && now - state.firstAt < Self.repetitionInterval
        return (false, isRepeated, Reaction {})
      }
      (state.first, state.firstAt) = (signal, now)
      defer { state.action = nil }
      return (true, false, Reaction(run: state.action ?? {}))
    }
    if isRepeated { return }
    guard isFirst else { end(by: signal) }
    // Two: what the first one holds is let go before the end goes on.
    add(action.run)
    add { [self] in arrived.signal() }
  }

  /// A process that a signal ends exits with 128 and its number, as the shell says it.
  private func end(by signal: Signal) -> Never {
    // Lines are written by a thread of Dispatch, and asking for one may never return.
    let isInterrupt = signal.number == SIGINT
    let onAlarm: @convention(c) (CInt) -> Void =
      isInterrupt ? { _ in _exit(128 + SIGINT) } : { _ in _exit(128 + SIGTERM) }
    Glibc.signal(SIGALRM, onAlarm)
    alarm(Self.lastLinesTime)
    log.write("ended by a second signal", ["signal": .text(signal.name)])
    log.flush()
    _exit(128 + signal.number)
  }
}
