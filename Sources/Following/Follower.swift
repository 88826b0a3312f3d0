import Checkpoint
package import ModelStore
package import RemoteModels
package import Serving
package import Telemetry

/// Keeps a server at the model that a remote store names.
///
/// It acts when the pointer moves and not again, so that what an administrator chooses holds until it moves. Used by
/// one thread at a time; calls wait for the network.
package struct Follower: Sendable {
  /// Of the time between two polls while they fail.
  private static let longestInterval = Duration.seconds(300)

  let store: ModelStore
  package let cancellation: Cancellation
  /// For people: it has no secrets.
  let source: String
  private var remote: RemoteModels
  let log: Log
  private let metrics: ModelStoreMetrics
  private var schedule: PollSchedule
  /// What the pointer named when it was acted on last, by this process or one before.
  private var settled: ModelVersion?
  /// What the pointer names and the checks have refused.
  private var refused: ModelVersion?
  /// Fetched, and to be tried again.
  private var waiting: StagedModel?
  /// Of a version that is kept but has suffered on the disk.
  private var damaged: ModelVersion?
  /// So that what lasts is logged once.
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
    // Where nothing is live any more, what was acted on has to be once more.
    settled = store.live?.isChosen == true ? store.followed(source) : nil
  }

  /// Waits until it is time for another poll; false when there shall be none.
  func wait() -> Bool { cancellation.wait(schedule.delay()) }

  /// Discards what is fetched and not live.
  mutating func end() { discardWaiting() }

  /// Asks what is current and has `promote` make it live where that has changed. Nil when cancelled.
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

  /// Where it cannot be remembered, a restart acts on the pointer once more.
  private mutating func settle(_ version: ModelVersion) {
    settled = version
    do throws(StoreError) {
      try store.recordFollowed(version, of: source)
    } catch {
      log.write("model store", ["error": .text(error.description)])
    }
  }

  private var fields: Log.Fields { ["source": .text(source)] }

  /// - Parameter kind: What makes it the same as the last one; the failure itself where nil.
  private mutating func report(_ failure: String, as kind: String? = nil) {
    guard kind ?? failure != lastFailure else { return }
    lastFailure = kind ?? failure
    log.write("cannot follow", ["source": .text(source), "reason": .text(failure)])
  }

  /// libcurl's reasons hold times and counts.
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
