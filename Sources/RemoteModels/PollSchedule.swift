/// When a remote store is asked again: at intervals that spread, so that servers started together do not ask
/// together, and that grow while it cannot be reached.
package struct PollSchedule: Sendable {
  /// Part of an interval by which it may be shorter or longer.
  private static let jitter = 0.2
  /// Doublings of the interval at most.
  private static let doublingLimit = 10

  /// Longer ones are cut to it.
  private static let intervalLimit = Duration.seconds(7 * 24 * 3600)

  private let interval: Duration
  private let longest: Duration
  private var failureCount = 0

  /// - Parameter longest: Of the interval while there are failures, before it is spread.
  package init(interval: Duration, longest: Duration = .seconds(600)) {
    self.interval = min(max(interval, .zero), Self.intervalLimit)
    self.longest = min(max(self.interval, longest), Self.intervalLimit)
  }

  package mutating func succeeded() { failureCount = 0 }

  package mutating func failed() { failureCount = min(failureCount + 1, Self.doublingLimit) }

  /// Time until the next request.
  package func delay() -> Duration {
    let base = min(interval * (1 << failureCount), longest)
    return base * Double.random(in: 1 - Self.jitter...1 + Self.jitter)
  }
}
