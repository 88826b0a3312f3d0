import Synchronization

/// How long requests take the workers, for telling a client when to come back.
package final class ServiceRate: Sendable {
  /// Weight of the newest request in the running mean.
  private static let weight = 0.1
  package static let retryAfterLimitSeconds = 60

  private let meanSeconds = Mutex<Double?>(nil)

  package init() {}

  package func record(_ duration: Duration) {
    let seconds = duration / .seconds(1)
    meanSeconds.withLock { mean in
      mean = mean.map { $0 + Self.weight * (seconds - $0) } ?? seconds
    }
  }

  /// Whole seconds until `queued` requests are done by `workers`: at least 1, at most the limit.
  package func retryAfterSeconds(queued: Int, workers: Int) -> Int {
    let mean = meanSeconds.withLock { $0 } ?? 0
    let seconds = (mean * Double(queued) / Double(max(1, workers))).rounded(.up)
    return Int(min(max(1, seconds), Double(Self.retryAfterLimitSeconds)))
  }
}
