package import Checkpoint
import Dispatch
package import ModelStore
import Synchronization
package import Telemetry

/// The place of the live model in a server that has none yet.
///
/// A model that a remote store names may take it, and so may one that an administrator uploads or
/// activates, who goes before a store's candidate.
///
/// Calls of this type take seconds and belong on a thread that may wait.
package final class Vacancy: Sendable {
  /// Proves a model for a server that has none.
  package typealias Proof =
    @Sendable (SwapRequest, SwapTurn) throws(SwapFailure) ->
    FirstDeployment

  /// End of the vacancy.
  package enum End: Sendable {
    case filled(FirstDeployment)
    /// Nothing arrived, and there is another model to begin with.
    case givenUp
    case stopped
  }

  private struct State {
    var end: End?
    /// Whether a candidate is being recorded that then fills it.
    var isClaimed = false
    /// End that it has if that candidate is not recorded.
    var endUnlessFilled: End?
    /// Whether it has ended.
    var isOver: Bool { end != nil }
    var explanation: String
  }

  package let store: ModelStore
  package let turns: SwapTurns
  private let log: Log
  private let prove: Proof
  private let onProgress: @Sendable (String) -> Void
  private let state: Mutex<State>
  private let ended = DispatchSemaphore(value: 0)

  /// - Parameters:
  ///   - explanation: Why there is no model and what the server waits for, in words for anybody.
  ///   - onProgress: Hears how that goes on; no longer called once it has ended.
  package init(
    store: ModelStore, turns: SwapTurns = SwapTurns(), explanation: String, log: Log,
    onProgress: @escaping @Sendable (String) -> Void, prove: @escaping Proof
  ) {
    self.store = store
    self.turns = turns
    self.log = log
    self.prove = prove
    self.onProgress = onProgress
    state = Mutex(State(explanation: explanation))
    onProgress(explanation)
  }

  /// Explanation of why there is no model and what the server waits for.
  var explanation: String { state.withLock(\.explanation) }

  /// Explains what the server waits for now.
  package func progress(_ explanation: String) {
    state.withLock { state in
      guard !state.isOver else { return }
      state.explanation = explanation
      onProgress(explanation)
    }
  }

  // MARK: End

  /// Waits for the end and returns it; for one caller.
  package func wait() -> End {
    ended.wait()
    return state.withLock { state in
      defer { state.end = .stopped }
      return state.end ?? .stopped
    }
  }

  /// Ends it, because there is another model to begin with.
  package func giveUp() { end(.givenUp) }

  /// Ends it because the process is to end. Returns when nothing is being proved any more.
  package func stop() {
    turns.stop()
    end(.stopped)
  }

  private func end(_ end: End) {
    let isEnded = state.withLock { state in
      guard !state.isOver else { return false }
      if state.isClaimed {
        state.endUnlessFilled = end
        return false
      }
      state.end = end
      return true
    }
    if isEnded { ended.signal() }
  }

  /// Claims the vacancy. Returns false if it has ended otherwise.
  private func claim() -> Bool {
    state.withLock { state in
      guard !state.isOver else { return false }
      state.isClaimed = true
      return true
    }
  }

  /// Ends the claim.
  ///
  /// - Parameter first: Nil if it could not be recorded.
  private func release(_ first: FirstDeployment?) {
    let isEnded = state.withLock { state in
      state.isClaimed = false
      state.end = first.map(End.filled) ?? state.endUnlessFilled
      return state.end != nil
    }
    if isEnded { ended.signal() }
  }

  // MARK: Candidates

  /// Proves an upload, and unless it is a dry run keeps it and begins with it.
  func upload(
    _ sink: UploadSink, _ parameters: UploadParameters, _ order: ChangeOrder
  ) throws(Problem) -> SwapReport {
    try log.audited(parameters.action, by: order.actor) { digits throws(Problem) in
      let uploaded = try parameters.finish(sink, in: store, log)
      digits = uploaded.version.hex
      defer { store.discard(uploaded) }
      guard !parameters.inherits else {
        throw Problem(
          409, .noLiveModel, "no model is live that inherit=true could take labels from")
      }
      guard parameters.canary == nil else {
        throw Problem(
          409, .noLiveModel,
          "no model is live that a canary could answer requests beside; without canary the model "
            + "becomes the first")
      }
      let request = SwapRequest(path: uploaded.path, dryRun: parameters.dryRun, by: order.by)
      return try begin(
        request, parameters.action, order, .staged(uploaded), overriding: true
      ) { [store, log] turn in
        guard parameters.completes else { return nil }
        return UploadCompletion(
          of: uploaded, in: store, like: nil, parameters.choice, turn, log)
      }
    }
  }

  /// Begins with a kept version.
  func activate(_ digits: String, _ order: ChangeOrder) throws(Problem) -> SwapReport {
    try log.audited("activate", by: order.actor) { found throws(Problem) in
      let version = try log.stored { () throws(StoreError) in
        try store.version(matching: digits).version
      }
      found = version.hex
      return try begin(version, "activate", order, overriding: true)
    }
  }

  /// Begins with a fetched model. If it does not become live, it stays the caller's, to try again
  /// or to discard.
  package func promote(_ staged: StagedModel, from source: String) -> Promotion {
    promote(staged.version, from: source) { order throws(Problem) in
      try begin(
        SwapRequest(path: staged.path, by: order.by), ModelAdministration.followAction, order,
        .staged(staged))
    }
  }

  /// Begins with a version that was already kept, because a remote store names it.
  package func promote(_ version: ModelVersion, from source: String) -> Promotion {
    promote(version, from: source) { order throws(Problem) in
      try begin(version, ModelAdministration.followAction, order)
    }
  }

  private func promote(
    _ version: ModelVersion, from source: String,
    _ change: (ChangeOrder) throws(Problem) -> SwapReport
  ) -> Promotion {
    let order = ChangeOrder(actor: Administrator(store: source))
    do throws(Problem) {
      _ = try log.audited(ModelAdministration.followAction, by: order.actor) {
        digits throws(Problem) in
        digits = version.hex
        return try change(order)
      }
      return .live
    } catch {
      return Promotion(error)
    }
  }

  private func begin(
    _ version: ModelVersion, _ action: String, _ order: ChangeOrder, overriding: Bool = false
  ) throws(Problem) -> SwapReport {
    try log.stored { () throws(StoreError) in
      try store.requireFolder()
      try store.pin(version)
    }
    defer { store.unpin(version) }
    guard let path = store.path(of: version) else {
      throw Problem(StoreError.unknownVersion(version.hex))
    }
    var request = SwapRequest(path: path, by: order.by)
    request.kept = KeptFile(version, in: store, log: log)
    return try begin(
      request, action, order, .kept(version, path: path), overriding: overriding)
  }

  /// - Parameters:
  ///   - subject: The file or version to keep and record once it is proved.
  ///   - complete: Returns what makes another file of it first, if anything does.
  private func begin(
    _ request: SwapRequest, _ action: String, _ order: ChangeOrder,
    _ subject: ModelRecorder.Subject, overriding: Bool = false,
    completing complete: (SwapTurn) -> UploadCompletion? = { _ in nil }
  ) throws(Problem) -> SwapReport {
    guard !state.withLock(\.isOver) else { throw .starting }
    try order.precondition.check(nil)
    let first: FirstDeployment
    let turn: SwapTurn
    do throws(SwapFailure) {
      turn = try turns.take(
        action, by: order.by, for: order.upload, overriding: overriding,
        isAbandoned: order.isAbandoned)
    } catch {
      throw Problem(error)
    }
    defer { turns.end(turn) }
    var request = request
    let completion = complete(turn)
    defer { completion?.discard() }
    if let completion { request.completion = completion.run }
    do throws(SwapFailure) {
      first = try prove(request, turn)
      try turn.commit()
    } catch {
      throw log.problem(error, in: store)
    }
    var report = first.report
    // The completed file says what was assumed of the uploaded one.
    if let completion { report.assumptions = completion.assumptions }
    guard !request.dryRun else { return report }
    guard claim() else { throw .starting }
    do throws(SwapFailure) {
      let recorder = ModelRecorder(
        store: store, subject: completion.map { .completed($0) } ?? subject, by: order.by, log: log)
      _ = try recorder.record(first.report.name, first.report.version)
    } catch {
      release(nil)
      throw Problem(error)
    }
    release(first)
    return report
  }

  /// Removes a kept version that nothing uses.
  func remove(_ digits: String, by actor: Administrator) throws(Problem) -> StoredVersion {
    try log.remove(digits, from: store, by: actor) { _ in }
  }

  /// Ends a candidate that is being proved, and arriving uploads.
  func endSwap(by actor: Administrator) throws(Problem) -> EndedSwaps {
    try log.endSwap(of: turns, by: actor)
  }
}
