import Dispatch
import Glibc
import Synchronization
import Telemetry

/// Ends the process if it is told to stop before it has a model.
///
/// Loading, compiling and proving a first model may take minutes in calls that nothing interrupts;
/// nobody is served meanwhile, so nothing is lost.
final class StartWatch: Sendable {
  /// Time to wait for the start; most take less, and then end in order.
  private static let patience = DispatchTimeInterval.seconds(1)

  private let log: Log
  private let isOver = Mutex(false)

  init(log: Log) { self.log = log }

  /// Ends the watch: there is a model, or none will come, and the process ends by itself from now
  /// on.
  func end() { isOver.withLock { $0 = true } }

  /// Tells the process to end.
  func stop() {
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { [self] in
      // Held until the end, so that nobody is told that there is a model; only `end` also takes it.
      isOver.withLock { isOver in
        if isOver { return }
        log.write("stopped before a model was ready")
        log.flush()
        // Threads compute until then, and `exit` would destroy what they use.
        _exit(ExitCode.success.rawValue)
      }
    }
  }
}
