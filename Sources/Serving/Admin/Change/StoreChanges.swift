import Checkpoint
import ModelStore
import Telemetry

/// Changes of a store and of turns, whether or not a model is live.
extension ModelStore {
  /// Returns the store, or throws if the server has none.
  static func required(_ store: ModelStore?) throws(Problem) -> ModelStore {
    guard let store else {
      throw Problem(
        409, .noStateDir, "this server keeps no models: start it with --state-dir")
    }
    return store
  }
}

/// Swaps and uploads that an administrator has ended.
struct EndedSwaps: Sendable, CustomStringConvertible {
  let swap: SwapTurn.Status?
  let arriving: [ArrivingUpload.Status]

  var description: String {
    let swap = swap.map { ["ended \($0.action) at \($0.step.rawValue)"] } ?? []
    let uploads = arriving.map {
      "ended \($0.action) after \($0.receivedByteCount) bytes had arrived"
    }
    return (swap + uploads).joined(separator: "; ")
  }
}

extension Log {
  func stored<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(Problem) -> Result {
    do throws(StoreError) { return try body() } catch { throw problem(error) }
  }

  /// Returns the problem that a client sees; the log has the paths too.
  func problem(_ error: StoreError) -> Problem {
    let problem = Problem(error)
    if problem.status >= 500 {
      write("model store", as: .error, ["error": .text(error.description)])
    }
    return problem
  }

  /// Returns the problem of a candidate from a store's folder. One that could not be read because the
  /// folder has gone meanwhile is not the file's fault.
  func problem(_ failure: SwapFailure, in store: ModelStore) -> Problem {
    guard failure.kind == .refused, failure.step == .read || failure.step == .validate,
      let fault = store.examineFolder(), fault.losesModels
    else { return Problem(failure) }
    return problem(.folderFault(fault))
  }

  /// Ends a candidate that is being proved, and arriving uploads.
  func endSwap(
    of turns: SwapTurns, by actor: Administrator
  ) throws(Problem) -> EndedSwaps {
    try audit("end swap", by: actor) { note throws(Problem) in
      let arriving = turns.endArriving(by: actor.description)
      let current = turns.cancel(by: actor.description)
      guard current != nil || !arriving.isEmpty else {
        throw Problem(404, .noSwap, "no swap is in progress and no upload is arriving")
      }
      guard current?.isCancelled ?? true || !arriving.isEmpty else {
        throw Problem(
          409, .swapEnding,
          "the swap is too far along to cancel; roll back when it is done",
          retryAfterSeconds: 1)
      }
      let ended = EndedSwaps(
        swap: current.flatMap { $0.isCancelled ? $0.ended : nil }, arriving: arriving)
      note.outcome = ended.description
      return ended
    }
  }

  /// Removes a kept version.
  ///
  /// - Parameter check: Throws if something uses it that the store does not know of.
  func remove(
    _ digits: String, from store: ModelStore, by actor: Administrator,
    unless check: (ModelVersion) throws(Problem) -> Void
  ) throws(Problem) -> StoredVersion {
    try audit("delete version", by: actor) { note throws(Problem) in
      let stored = try stored { () throws(StoreError) in try store.version(matching: digits) }
      note.digest = stored.version.hex
      try check(stored.version)
      try self.stored { () throws(StoreError) in try store.remove(stored.version) }
      note.outcome = "removed"
      return stored
    }
  }
}
