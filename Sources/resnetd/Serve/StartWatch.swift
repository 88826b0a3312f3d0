import Dispatch
import Glibc
import Synchronization
import Telemetry

/// Ends the process where it is told to stop while it has no model yet.
///
/// A first model may be loaded, compiled and proved for minutes in calls that nothing interrupts; nobody is served
/// meanwhile, so nothing is lost.
final class StartWatch: Sendable {
  /// Most starts take less, and then end in order.
  private static let patience = DispatchTimeInterval.seconds(1)

  private let log: Log
  private let isOver = Mutex(false)

  init(log: Log) { self.log = log }

  /// To be called when there is a model, or none will come: from now on the process ends by itself.
  func end() { isOver.withLock { $0 = true } }

  /// To be called when the process shall end.
  func stop() {
    DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { [self] in
      // Held until the end, so that nobody is told meanwhile that there is a model; its only other holder is `end`.
      isOver.withLock { isOver in
        if isOver { return }
        log.write("stopped before a model was ready")
        log.flush()
        // What computes goes on until then, and `exit` would destroy what it uses.
        _exit(ExitCode.success.rawValue)
      }
    }
  }
}
