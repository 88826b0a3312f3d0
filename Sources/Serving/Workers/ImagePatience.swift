import Synchronization

/// Time that an image may keep a worker from waiting requests before it is set aside; shared by all
/// workers.
///
///     patience = base + 20 ms for each MiB of the encoded image
///
/// Long enough for work that was paid for with bytes: about twice what a photograph takes. Images
/// that outlast it have kept workers in vain, so the base is shorter while many do; what was paid
/// for with bytes is never taken away, so that photographs among them are decoded as always. A
/// twentieth of a core may be lost in vain before that.
package final class ImagePatience: Sendable {
  /// Time that one image has.
  package struct Grant: Sendable, Hashable {
    package let duration: Duration
    /// The part that is not paid for with bytes.
    fileprivate let base: Duration

    /// Whether an image that outlasts it was given what any image gets, and so is a heavy one.
    fileprivate var isFull: Bool { base == ImagePatience.fullBase }
  }

  private struct State {
    /// Time that images have kept workers in vain, less what has been forgiven.
    var debt = Duration.zero
    var updatedAt: ContinuousClock.Instant
  }

  private static let fullBase = Duration.milliseconds(8)
  private static let shortBase = Duration.milliseconds(2)
  private static let perMebibyte = Duration.milliseconds(20)
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
  ) -> Grant {
    let base = isSlow || debt(at: now) > Self.toleratedDebt ? Self.shortBase : Self.fullBase
    return Grant(duration: base + Self.perMebibyte * byteCount / (1 << 20), base: base)
  }

  /// Records that an image has kept a worker this long and is not done.
  ///
  /// Only an image that had the full patience is held against the others: of one that had less, it
  /// is not known whether it would have outlasted that.
  package func outlasted(
    _ grant: Grant, after duration: Duration, at now: ContinuousClock.Instant = .now
  ) {
    guard grant.isFull else { return }
    let paid = grant.duration - grant.base
    state.withLock { state in
      Self.forgive(&state, now)
      state.debt = min(state.debt + max(.zero, duration - paid), Self.debtLimit)
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
