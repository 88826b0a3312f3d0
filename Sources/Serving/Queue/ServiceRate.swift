import Synchronization

/// Time that requests take the workers, for telling a client when to come back.
///
/// Counted in requests, since the number of images in a waiting one is not known before it is
/// served.
package final class ServiceRate: Sendable {
  /// Weight of the newest request in the running mean.
  private static let weight = 0.05
  package static let retryAfterLimitSeconds = 60

  /// Mean of one worker's time for one request.
  private let meanSeconds = Mutex<Double?>(nil)

  package init() {}

  /// Records that a worker has served `count` requests, at least one, in this time.
  package func record(count: Int, in duration: Duration) {
    let seconds = duration / .seconds(1) / Double(count)
    let weight = 1 - (0..<count).reduce(1.0) { rest, _ in rest * (1 - Self.weight) }
    meanSeconds.withLock { mean in
      mean = mean.map { $0 + weight * (seconds - $0) } ?? seconds
    }
  }

  /// Returns the whole seconds until `workers` finish `queued` requests: at least 1, at most the
  /// limit.
  package func retryAfterSeconds(queued: Int, workers: Int) -> Int {
    let mean = meanSeconds.withLock { $0 } ?? 0
    let seconds = (mean * Double(queued) / Double(max(1, workers))).rounded(.up)
    return Int(min(max(1, seconds), Double(Self.retryAfterLimitSeconds)))
  }
}
