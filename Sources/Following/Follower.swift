import Checkpoint
package import ModelStore
package import RemoteModels
package import Serving
package import Telemetry

/// Keeps a server on the model that a remote store names.
///
/// It acts once when the pointer moves, so an administrator's choice remains until the pointer
/// moves again. Used by one thread at a time; calls wait for the network.
package struct Follower: Sendable {
  /// Longest time between two polls while they fail.
  private static let longestInterval = Duration.seconds(300)

  let store: ModelStore
  package let cancellation: Cancellation
  /// Description for people, without secrets.
  let source: String
  private var remote: RemoteModels
  let log: Log
  private let metrics: ModelStoreMetrics
  private var schedule: PollSchedule
  /// Version that the pointer named when it was last acted on, by this process or an earlier one.
  private var settled: ModelVersion?
  /// Version that the pointer names and the checks have rejected.
  private var refused: ModelVersion?
  /// Fetched model that is to be tried again.
  private var waiting: StagedModel?
  /// Version that is kept but damaged on the disk.
  private var damaged: ModelVersion?
  /// Last failure, so that a lasting one is logged once.
  private var lastFailure: String?

  package init(
    _ remote: RemoteModels, into store: ModelStore, every interval: Duration,
    metrics: ModelStoreMetrics, log: Log
  ) {
    self.remote = remote
    self.store = store
    self.metrics = metrics
    self.log = log
    cancellation = remote.cancellation
    source = remote.source.description
    schedule = PollSchedule(interval: interval, longest: Self.longestInterval)
    // If nothing is live any more, the pointer has to be acted on again.
    settled = store.live?.isChosen == true ? store.followed(source) : nil
  }

  /// Waits until the next poll is due; returns false if there will be none.
  func wait() -> Bool { cancellation.wait(schedule.delay()) }

  /// Discards a model that is fetched and not live.
  mutating func end() { discardWaiting() }

  /// Polls the pointer and has `promote` make its version live if it changed; returns nil if
  /// cancelled.
  mutating func poll(_ promote: (RemoteModels.Fetched) -> Promotion) -> PollOutcome? {
    let outcome: PollOutcome
    do throws(RemoteError) {
      outcome = try step(promote)
    } catch {
      guard error != .cancelled else { return nil }
      report(error.description, as: Self.kind(of: error))
      outcome = Self.outcome(of: error)
    }
    switch outcome {
    case .unchanged, .promoted, .refused, .overruled, .busy:
      schedule.succeeded()
      if lastFailure != nil { log.write("model store answers again", fields) }
      lastFailure = nil
    case .unreachable, .invalid, .failed: schedule.failed()
    }
    metrics.polled(outcome)
    return outcome
  }

  private mutating func step(
    _ promote: (RemoteModels.Fetched) -> Promotion
  ) throws(RemoteError) -> PollOutcome {
    let pointer = try remote.pointer()
    let version = pointer.version
    if waiting?.version != version { discardWaiting() }
    if refused == version { return .refused }
    refused = nil
    if settled == version { return .unchanged }
    if let live = store.live, live.isChosen, live.version == version {
      settle(version)
      return .unchanged
    }
    switch promote(try fetched(pointer)) {
    case .live:
      waiting = nil
      settle(version)
      return .promoted
    case .busy: return .busy
    case .refused:
      discardWaiting()
      refused = version
      return .refused
    case .overruled(let reason):
      discardWaiting()
      report("version \(version.short): \(reason); it holds until another one is named")
      settle(version)
      return .overruled
    case .insufficientMemory(let reason), .insufficientTime(let reason):
      report("version \(version.short): \(reason)")
      return .failed
    case .damaged:
      damaged = version
      report("version \(version.short) is damaged here and will be fetched again")
      return .failed
    case .failed(let reason):
      discardWaiting()
      report("version \(version.short): \(reason)")
      return .failed
    }
  }

  private mutating func fetched(
    _ pointer: RemotePointer
  ) throws(RemoteError) -> RemoteModels.Fetched {
    if let waiting { return .staged(waiting) }
    let fetched = try remote.fetch(
      pointer, into: store, evenIfKept: damaged == pointer.version)
    damaged = nil
    if case .staged(let staged) = fetched {
      waiting = staged
      log.write(
        "model fetched",
        [
          "source": .text(source), "version": .text(staged.version.short),
          "bytes": .integer(staged.byteCount),
        ])
    }
    return fetched
  }

  private mutating func discardWaiting() {
    if let waiting { store.discard(waiting) }
    waiting = nil
  }

  /// Records the version as acted on; if that fails, a restart acts on the pointer again.
  private mutating func settle(_ version: ModelVersion) {
    settled = version
    do throws(StoreError) {
      try store.recordFollowed(version, of: source)
    } catch {
      log.write("model store", as: .error, ["error": .text(error.description)])
    }
  }

  private var fields: Log.Fields { ["source": .text(source)] }

  /// Logs a failure unless it is the same as the last one.
  ///
  /// - Parameter kind: Identity of the failure; the failure itself if nil.
  private mutating func report(_ failure: String, as kind: String? = nil) {
    guard kind ?? failure != lastFailure else { return }
    lastFailure = kind ?? failure
    log.write("cannot follow", as: .error, ["source": .text(source), "reason": .text(failure)])
  }

  /// Returns an error's identity, without the times and counts in libcurl's reasons.
  private static func kind(of error: RemoteError) -> String {
    guard case .transfer(let address, let reason) = error else { return error.description }
    return address + reason.filter { !$0.isNumber }
  }

  private static func outcome(of error: RemoteError) -> PollOutcome {
    switch error {
    case .transfer, .untrusted, .misdirected, .status: .unreachable
    case .malformedPointer, .tooLarge, .wrongDigest: .invalid
    default: .failed
    }
  }
}
