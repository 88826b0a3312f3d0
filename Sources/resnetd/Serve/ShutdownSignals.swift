import Dispatch
import Glibc
import Inference
import Serving
import Synchronization
import Telemetry

/// The signals of a server as events.
///
/// ```
/// SIGTERM, SIGINT   the first asks for an orderly end, the second ends the process; the same one
///                   again within a moment counts as the first: some supervisors signal a process
///                   and its group
/// SIGHUP            what can be reread is reread
/// SIGUSR1, SIGUSR2  ignored: by default they would kill, and they mean nothing here
/// SIGPIPE           ignored: a peer that is gone is an error of a write
/// ```
///
/// One thread waits for them, and another reacts: a second signal ends the process whatever the
/// first one led to, and even if the system gives Dispatch no more threads.
final class ShutdownSignals: Sendable {
  struct Signal: Sendable {
    let number: CInt

    var name: String { number == SIGINT ? "SIGINT" : "SIGTERM" }
  }

  /// A thing to reread, with its name for the log.
  private struct Reload {
    let name: String
    let run: @Sendable () -> Bool
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
  /// Reactions to signals, run one after the other.
  private let reactions = Mutex<[Reaction]>([])
  private let hasReaction = DispatchSemaphore(value: 0)

  /// A structure, because a closure in a generic type is wrapped anew on every read.
  private struct Reaction {
    let run: @Sendable () -> Void
  }

  /// Time within which the same signal again means nothing new.
  private static let repetitionInterval = Duration.seconds(1)

  /// Signals that are taken over.
  private static var waitedFor: sigset_t {
    var set = sigset_t()
    // SAFETY: both calls change this function's own set.
    unsafe sigemptyset(&set)
    for number in [SIGTERM, SIGINT, SIGHUP] { unsafe sigaddset(&set, number) }
    return set
  }

  /// Has signals wait until they are taken over. Call it first of all, while there is one thread:
  /// until then a signal would end the process at once, or be lost where its parent ignores it or
  /// it is the first process of a container.
  static func hold() {
    for number in [SIGPIPE, SIGUSR1, SIGUSR2] { signal(number, SIG_IGN) }
    var set = waitedFor
    // SAFETY: the call reads this function's own set.
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Lets signals act as usual again, where nobody takes them over.
  static func letGo() {
    var set = waitedFor
    // SAFETY: as above.
    unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  /// Takes over the signals, those that have waited too. Call it before there are other threads: later
  /// ones get none of them.
  init(log: Log) throws(Failure) {
    self.log = log
    Self.hold()
    let set = Self.waitedFor
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
          // SAFETY: the call reads the set and writes the number.
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

  /// Sets the action for the first signal, or runs it now if that has arrived.
  func onFirst(_ action: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      state.action = action
      return state.first != nil
    }
    if isLate { action() }
  }

  /// Adds an action for each SIGHUP from now on, after those added before; it returns whether it took
  /// what it read.
  func onReload(of name: String, _ run: @escaping @Sendable () -> Bool) {
    state.withLock { $0.reloads.append(Reload(name: name, run: run)) }
  }

  func wait() -> Signal {
    arrived.wait()
    return state.withLock(\.first) ?? Signal(number: SIGTERM)
  }

  private func reload() {
    let reloads = state.withLock(\.reloads)
    var (taken, refused): ([String], [String]) = ([], [])
    for reload in reloads {
      if reload.run() { taken.append(reload.name) } else { refused.append(reload.name) }
    }
    if !refused.isEmpty {
      log.write(
        "what was reread cannot be used", as: .warning,
        ["signal": .text("SIGHUP"), "what": .text(refused.joined(separator: ", "))])
    }
    guard refused.isEmpty || !taken.isEmpty else { return }
    let names = taken.joined(separator: ", ")
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
    // Two reactions: whatever the first one holds is released before the end goes on.
    add(action.run)
    add { [self] in arrived.signal() }
  }

  /// Ends the process with 128 plus the signal's number, as the shell shows it.
  private func end(by signal: Signal) -> Never {
    // A thread of Dispatch writes lines, and asking for one may never return.
    let isInterrupt = signal.number == SIGINT
    let onAlarm: @convention(c) (CInt) -> Void =
      isInterrupt ? { _ in _exit(128 + SIGINT) } : { _ in _exit(128 + SIGTERM) }
    Glibc.signal(SIGALRM, onAlarm)
    alarm(Self.lastLinesTime)
    log.write("ended by a second signal", as: .warning, ["signal": .text(signal.name)])
    log.flush()
    _exit(128 + signal.number)
  }
}
