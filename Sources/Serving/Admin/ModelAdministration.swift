import Checkpoint
package import ModelStore
import Synchronization
package import Telemetry

/// Changes what is live for the admin endpoint: takes uploads into the store and has them deployed.
///
/// Its calls take seconds and belong on a thread that may wait.
package final class ModelAdministration: Sendable {
  let pool: WorkerPool
  let deployer: Deployer
  /// Nil where the server has no folder for it: nothing can be uploaded then.
  let store: ModelStore?
  /// Nil where the store had a live model at start.
  let first: FirstModel?
  let log: Log

  package init(
    pool: WorkerPool, deployer: Deployer, store: ModelStore?, first: FirstModel? = nil, log: Log
  ) {
    self.pool = pool
    self.deployer = deployer
    self.store = store
    self.first = first
    self.log = log
  }

  /// The store, which every change needs.
  func requireStore() throws(Problem) -> ModelStore {
    guard let store else {
      throw Problem(
        409, "no-state-dir", "this server keeps no models: start it with --state-dir")
    }
    return store
  }

  // MARK: Changes

  /// Proves an upload, and unless it is a dry run keeps it and makes it live.
  ///
  /// - Parameters:
  ///   - inherits: A file without labels is completed with the live model's labels and preprocessing; what is kept, and
  ///     so the version, is the completed file.
  func upload(
    _ sink: UploadSink, digest: ContentDigest, inherits: Bool, dryRun: Bool, by actor: Administrator
  ) throws(Problem) -> SwapReport {
    try audited(dryRun ? "dry run" : "upload", by: actor) { digits throws(Problem) in
      let store = try requireStore()
      let uploaded = try stored { () throws(StoreError) in try sink.finish() }
      digits = uploaded.version.hex
      defer { store.discard(uploaded) }
      if let wanted = digest.sha256, wanted != uploaded.version {
        throw Problem(
          400, "digest-mismatch",
          "the body has SHA-256 \(uploaded.version.hex), Content-Digest says \(wanted.hex)")
      }
      var request = SwapRequest(path: uploaded.path, dryRun: dryRun, by: actor.description)
      let completion =
        inherits ? UploadCompletion(of: uploaded, in: store, like: pool) : nil
      defer { completion?.discard() }
      if let completion { request.completion = completion.run }
      do throws(Problem) {
        return try deploy(request) { (model) throws(StoreError) in
          let staged = completion?.result ?? uploaded
          _ = try store.keep(staged, name: model.name, by: actor.description)
          try store.recordLive(staged.version, by: actor.description)
        }
      } catch {
        guard let fault = completion?.fault else { throw error }
        throw problem(fault)
      }
    }
  }

  /// Makes a kept version live again.
  func activate(_ digits: String, by actor: Administrator) throws(Problem) -> SwapReport {
    try audited("activate", by: actor) { found throws(Problem) in
      let store = try requireStore()
      let version = try stored { () throws(StoreError) in
        try store.version(matching: digits).version
      }
      found = version.hex
      return try activate(version, in: store, by: actor)
    }
  }

  /// Makes the version live that was before.
  func rollBack(by actor: Administrator) throws(Problem) -> SwapReport {
    try audited("rollback", by: actor) { digits throws(Problem) in
      let store = try requireStore()
      guard let previous = store.live?.previous else {
        throw Problem(409, "no-previous-version", "no version was live before in this store")
      }
      digits = previous.hex
      return try activate(previous, in: store, by: actor)
    }
  }

  func activate(
    _ version: ModelVersion, in store: ModelStore, by actor: Administrator
  ) throws(Problem) -> SwapReport {
    try stored { () throws(StoreError) in try store.pin(version) }
    defer { store.unpin(version) }
    if let canary = pool.traffic.canary, canary.version == version {
      return try promote(canary, in: store, by: actor)
    }
    guard let path = store.path(of: version) else {
      throw Problem(StoreError.unknownVersion(version.hex))
    }
    return try deploy(SwapRequest(path: path, by: actor.description)) {
      (model) throws(StoreError) in
      // Read again for this: what lay on the disk may have suffered there.
      guard model.version == version else { throw .damaged(version, path: path) }
      try store.recordLive(version, by: actor.description)
    }
  }

  /// Deploys, and keeps the choice before it takes effect.
  func deploy(
    _ request: SwapRequest, keep: (Model) throws(StoreError) -> Void
  ) throws(Problem) -> SwapReport {
    var fault: StoreError?
    do throws(SwapFailure) {
      return try deployer.deploy(request) { model throws(SwapFailure) in
        try keepChoice(&fault) { () throws(StoreError) in try keep(model) }
      }
    } catch {
      throw fault.map { Problem($0) } ?? Problem(error)
    }
  }

  /// - Parameter fault: What the store says, where it fails.
  func keepChoice(
    _ fault: inout StoreError?, _ keep: () throws(StoreError) -> Void
  ) throws(SwapFailure) {
    keepFirst()
    do throws(StoreError) { try keep() } catch {
      fault = error
      throw SwapFailure(step: .record, reason: error.description, kind: .internal)
    }
  }

  // MARK: Audit

  func stored<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(Problem) -> Result {
    do throws(StoreError) { return try body() } catch { throw problem(error) }
  }

  /// What a client learns; what the system says is logged.
  func problem(_ error: StoreError) -> Problem {
    if case .file = error { log.write("model store", ["error": .text(error.description)]) }
    return Problem(error)
  }

  /// One line for each change that was asked for, whatever came of it.
  func audit<Result>(
    _ what: String, by actor: Administrator, _ change: (inout AuditNote) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    let start = ContinuousClock.now
    var note = AuditNote()
    defer { note.write(what, by: actor, after: .now - start, to: log) }
    do throws(Problem) {
      return try change(&note)
    } catch {
      note.outcome = "\(error.kind): \(error.detail)"
      throw error
    }
  }

  func audited(
    _ what: String, by actor: Administrator, _ change: (inout String) throws(Problem) -> SwapReport
  ) throws(Problem) -> SwapReport {
    try audit(what, by: actor) { note throws(Problem) in
      let report = try change(&note.digest)
      note.digest = report.version.hex
      note.outcome = report.isDryRun ? "fit" : "live"
      return report
    }
  }
}
