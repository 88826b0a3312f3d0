import Synchronization

/// Time that an image may keep a worker from waiting requests before it is set aside; shared by all
/// workers.
///
/// Long enough for work that was paid for with bytes: about twice what a photograph takes. Images
/// that outlast it have kept workers in vain, so it is shorter while many do. However many clients
/// send them, such images together cost a twentieth of a core before other requests are served
/// first.
package final class ImagePatience: Sendable {
  private struct State {
    /// Time that images have kept workers in vain, less what has been forgiven.
    var debt = Duration.zero
    var updatedAt: ContinuousClock.Instant
  }

  /// Divisor of the patience for those who are not trusted: they keep a quarter.
  private static let distrustFactor = 4
  /// Debt that proves nothing: a few large images at once.
  private static let toleratedDebt = Duration.milliseconds(100)
  private static let debtLimit = Duration.milliseconds(200)
  /// Divisor of the time that passes: a twentieth of it is forgiven.
  private static let forgivenessDivisor = 20

  private let state: Mutex<State>

  package init(now: ContinuousClock.Instant = .now) { state = Mutex(State(updatedAt: now)) }

  /// - Parameter isSlow: Whether the image before it in its request outlasted the patience.
  package func patience(
    byteCount: Int, isSlow: Bool, at now: ContinuousClock.Instant = .now
  ) -> Duration {
    let patience = .milliseconds(8) + .milliseconds(20) * byteCount / (1 << 20)
    let isShort = isSlow || debt(at: now) > Self.toleratedDebt
    return isShort ? patience / Self.distrustFactor : patience
  }

  /// Records that an image has kept a worker this long and is not done.
  package func outlasted(_ duration: Duration, at now: ContinuousClock.Instant = .now) {
    state.withLock { state in
      Self.forgive(&state, now)
      state.debt = min(state.debt + duration, Self.debtLimit)
    }
  }

  private func debt(at now: ContinuousClock.Instant) -> Duration {
    state.withLock { state in
      Self.forgive(&state, now)
      return state.debt
    }
  }

  private static func forgive(_ state: inout State, _ now: ContinuousClock.Instant) {
    guard now > state.updatedAt else { return }
    state.debt = max(.zero, state.debt - (now - state.updatedAt) / forgivenessDivisor)
    state.updatedAt = now
  }
}
