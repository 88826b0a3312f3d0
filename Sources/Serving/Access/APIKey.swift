import HTTPCore
import HTTPServer
import Synchronization

/// A client's key in a running server: what it has asked for, and whether it may ask for more.
///
///     head ── begin: a request, and one image of its rate ── body ── count: its other images
///
/// How many images a request has is known when its body is read. Those beyond the first are then
/// counted too, even if that is more than a burst: the next request waits the longer.
package final class APIKey: Sendable {
  let entry: APIKeyList.Entry
  let counts: APIKeyCounts
  private let rate: SteadyRate?
  private let due = Mutex<ContinuousClock.Instant?>(nil)

  var name: String { entry.name }

  init(_ entry: APIKeyList.Entry, _ counts: APIKeyCounts = APIKeyCounts()) {
    (self.entry, self.counts, rate) = (entry, counts, entry.rate?.steady)
  }

  /// Counts a request with at least one image, at its head. Throws if its key must wait.
  package func begin(at now: ContinuousClock.Instant) throws(Problem) {
    try take(1, counted: 0, now)
    counts.admitted.wrappingAdd(1, ordering: .relaxed)
  }

  /// Counts the images of a request that has begun. Throws if other requests of the key have taken
  /// its room meanwhile.
  func count(images count: Int, at now: ContinuousClock.Instant) throws(Problem) {
    if count > 1 { try take(count, counted: 1, now) }
    counts.images.wrappingAdd(count, ordering: .relaxed)
  }

  private func take(
    _ count: Int, counted: Int, _ now: ContinuousClock.Instant
  ) throws(Problem) {
    guard let rate, let given = entry.rate,
      let delay = due.withLock({ rate.take(count, counted: counted, of: &$0, at: now) })
    else { return }
    counts.limited.wrappingAdd(1, ordering: .relaxed)
    let seconds = SteadyRate.retryAfterSeconds(delay)
    throw Problem(
      429, .apiKeyRate,
      "the key \(name) may send \(given.text) images, in bursts of \(given.burst); try again in \(seconds) s",
      retryAfterSeconds: seconds)
  }
}

/// Counts of a key, which go on when its digest or rate changes.
final class APIKeyCounts: Sendable {
  /// Requests with images that were let in at their head.
  let admitted = Atomic(0)
  /// Requests that were refused for the key's rate.
  let limited = Atomic(0)
  /// Images in bodies that have been read.
  let images = Atomic(0)

  init() {}
}

extension ProblemKind {
  static let apiKeyMalformed = ProblemKind("api-key-malformed")
  static let apiKeyMissing = ProblemKind("api-key-missing")
  static let apiKeyRate = ProblemKind("api-key-rate")
  static let apiKeyUnknown = ProblemKind("api-key-unknown")
}
