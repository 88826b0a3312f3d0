import HTTPCore
import Synchronization

/// Bounds how often people can try to sign in. Who shows the token with each request is not bound by
/// it.
final class SignIns: Sendable {
  /// Failures of all addresses within `window`; beyond that nobody can sign in until it is over.
  static let failureLimit = 100
  static let window = Duration.seconds(60)

  private struct Window {
    var begun: ContinuousClock.Instant?
    var failureCount = 0
  }

  private let failures = RefusedTokens()
  private let state = Mutex(Window())

  /// Returns a pause that is not over, in which no token is looked at.
  func pause(for address: String, at now: ContinuousClock.Instant) -> Duration? {
    let rest = state.withLock { state -> Duration? in
      guard let begun = state.begun, now - begun < Self.window else {
        state = Window()
        return nil
      }
      return state.failureCount < Self.failureLimit ? nil : Self.window - (now - begun)
    }
    return rest ?? failures.pauseLeft(for: address, at: now)
  }

  /// Counts a failure.
  func failed(from address: String, at now: ContinuousClock.Instant) {
    _ = failures.refused("", from: address, at: now)
    state.withLock { state in
      if state.begun == nil { state.begun = now }
      state.failureCount += 1
    }
  }

  /// Notes that somebody at this address has signed in.
  func succeeded(from address: String) { failures.admitted(from: address) }
}
