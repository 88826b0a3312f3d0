internal import CSandbox
import Glibc

/// Act that a decoder can be asked to try, to show that the sandbox stops it.
package enum SandboxTrial: String, Sendable, CaseIterable {
  case openFile = "open a file"
  case openSocket = "open a socket"
  case executableMemory = "make memory executable"
  case signalParent = "signal its parent"
  case fork = "start a process"
  case takeMemory = "take memory"
  case crash = "crash"
  case spin = "compute forever"

  package enum Outcome: Sendable, Hashable {
    case succeeded
    /// The system refused.
    case failed
    /// The signal ended the process.
    case ended(signal: Int)
    /// It did not finish in its time.
    case silent
  }

  /// Signal by which a forbidden system call ends a process.
  package static let forbiddenSignal = Int(SIGSYS)
  /// Signal by which somebody else ends it.
  package static let killSignal = Int(SIGKILL)

  var number: CInt {
    let number =
      switch self {
      case .openFile: SANDBOX_TRIAL_OPEN_FILE
      case .openSocket: SANDBOX_TRIAL_OPEN_SOCKET
      case .executableMemory: SANDBOX_TRIAL_EXECUTABLE_MEMORY
      case .signalParent: SANDBOX_TRIAL_SIGNAL_PARENT
      case .fork: SANDBOX_TRIAL_FORK
      case .takeMemory: SANDBOX_TRIAL_TAKE_MEMORY
      case .crash: SANDBOX_TRIAL_CRASH
      case .spin: SANDBOX_TRIAL_SPIN
      }
    return CInt(number)
  }
}
