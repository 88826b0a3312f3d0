import Glibc
import Inference
import Synchronization

/// The wish to end early: SIGINT and SIGTERM as a flag, so that what is begun is finished.
///
/// A second signal ends the process at once; the same one within a moment counts as the first,
/// because some supervisors signal a process and its group.
final class EndingSignals: Sendable {
  private static let repetitionInterval = Duration.seconds(1)

  /// Number of the first signal; 0 before.
  private let number = Atomic<CInt>(0)

  /// Takes over the signals. Call it before there are other threads: later ones get none of them.
  init(command: String) throws(Failure) {
    var set = sigset_t()
    // SAFETY: all these calls change or read this function's own set.
    unsafe sigemptyset(&set)
    for number in [SIGTERM, SIGINT] { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    let thread = WorkerThread { [self, set] in
      var first: (number: CInt, time: ContinuousClock.Instant)?
      while true {
        var number: CInt = 0
        // SAFETY: as above.
        guard unsafe withUnsafePointer(to: set, { unsafe sigwait($0, &number) }) == 0 else {
          continue
        }
        if let first {
          if first.number == number, .now - first.time < Self.repetitionInterval { continue }
          _exit(128 + number)
        }
        first = (number, .now)
        self.number.store(number, ordering: .relaxed)
        StandardError.write(
          "resnetd \(command): ending; images in progress are finished, a second signal does not "
            + "wait for them")
      }
    }
    guard let thread else { throw Failure("no thread can be started to wait for signals") }
    thread.detach()
  }

  var hasHappened: Bool { number.load(ordering: .relaxed) != 0 }

  /// Exit code of a program that ended early, 128 plus the signal's number as shells show it; nil
  /// if nobody asked for that.
  var exitCode: ExitCode? {
    switch number.load(ordering: .relaxed) {
    case 0: nil
    case SIGTERM: .terminated
    default: .interrupted
    }
  }
}
