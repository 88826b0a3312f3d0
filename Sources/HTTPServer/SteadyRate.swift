/// A rate that holds on average, with bursts: the generic cell rate algorithm (GCRA, ITU-T I.371).
///
/// Whoever is counted has an instant of its own, `due`: when everything so far would be due if it had
/// come at the steady rate. One more may come while that is no further ahead than a burst allows.
package struct SteadyRate: Sendable, Hashable {
  private let interval: Duration
  private let tolerance: Duration

  /// - Parameters:
  ///   - count: Things that may come in each period, at least 1.
  ///   - burst: Things that may come at once after a pause, at least 1.
  package init(_ count: Int, per period: Duration, burst: Int) {
    precondition(count > 0 && burst > 0, "count and burst must be positive")
    interval = period / count
    tolerance = period * burst / count - interval
  }

  /// Counts some that come together; if there was no room for one, the time until there is.
  ///
  /// More than a burst has room for are taken all the same, and those that follow wait the longer:
  /// the average holds.
  ///
  /// - Parameter counted: Those among them that have been counted before.
  package func take(
    _ count: Int = 1, counted: Int = 0, of due: inout ContinuousClock.Instant?,
    at now: ContinuousClock.Instant
  ) -> Duration? {
    let before = max((due ?? now) - interval * counted, now)
    guard before - now <= tolerance else { return before - now - tolerance }
    due = before + interval * count
    return nil
  }

  /// Returns a delay as the value of `Retry-After`: whole seconds, at least 1.
  package static func retryAfterSeconds(_ delay: Duration) -> Int {
    max(1, Int((delay / .seconds(1)).rounded(.up)))
  }
}
