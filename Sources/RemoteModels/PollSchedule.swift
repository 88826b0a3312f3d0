/// Times of polling a remote store, at intervals that are spread and that grow while it cannot be
/// reached.
///
/// Spread, so that servers that start together do not poll together.
package struct PollSchedule: Sendable {
  /// Fraction by which an interval may be shorter or longer.
  private static let jitter = 0.2
  /// Limit on the doublings of the interval.
  private static let doublingLimit = 10

  /// Longest interval; longer ones are cut to it.
  private static let intervalLimit = Duration.seconds(7 * 24 * 3600)

  private let interval: Duration
  private let longest: Duration
  private var failureCount = 0

  /// Polls every `interval`, which failures lengthen up to `longest`, before it is spread.
  package init(interval: Duration, longest: Duration = .seconds(600)) {
    self.interval = min(max(interval, .zero), Self.intervalLimit)
    self.longest = min(max(self.interval, longest), Self.intervalLimit)
  }

  package mutating func succeeded() { failureCount = 0 }

  package mutating func failed() { failureCount = min(failureCount + 1, Self.doublingLimit) }

  /// Returns the time until the next request.
  package func delay() -> Duration {
    let base = min(interval * (1 << failureCount), longest)
    return base * Double.random(in: 1 - Self.jitter...1 + Self.jitter)
  }
}
