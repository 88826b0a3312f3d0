import Checkpoint
import Inference
import Machine
package import ModelStore
import Synchronization
package import Telemetry

/// Changes the live model for the admin endpoint: takes uploads into the store and has them
/// deployed.
package final class ModelAdministration: Sendable {
  let pool: WorkerPool
  let deployer: Deployer
  /// The store, or nil if the server has no folder for it: then nothing can be uploaded.
  let store: ModelStore?
  /// The first model, or nil if the store had a live model at the start.
  let first: FirstModel?
  let log: Log
  /// Examples from which the live model is taught.
  let examples: ExampleStore
  let network: LiveNetwork
  /// Memory of what is known of the examples.
  let exampleMemory: Mutex<Reservation>
  /// Memory of the bodies in which examples arrive.
  let bodies: BodyMemory
  private let lateRecord: LateRecord?

  /// - Parameter recordInterval: Time between two tries to record a rollback that could not be
  ///   recorded when it took effect; nil for the usual one.
  package init(
    pool: WorkerPool, deployer: Deployer, store: ModelStore?, first: FirstModel? = nil, log: Log,
    exampleLimits: ExampleStore.Limits = ExampleStore.Limits(),
    recordInterval: Duration? = nil
  ) {
    self.pool = pool
    self.deployer = deployer
    self.store = store
    self.first = first
    self.log = log
    examples = ExampleStore(in: store, limits: exampleLimits)
    // Nothing always fits.
    exampleMemory = Mutex(pool.context.memory.overdraw(0, isLasting: true, use: .models))
    network = LiveNetwork(store: store, first: first)
    bodies = BodyMemory(pool.context.memory)
    lateRecord = store.map {
      LateRecord(of: $0, every: recordInterval ?? LateRecord.usualInterval, log: log)
    }
  }

  /// Returns the store, which every change needs.
  func requireStore() throws(Problem) -> ModelStore { try .required(store) }

  /// Throws if the state folder has gone or was replaced: what a change needs of it is not there, and
  /// a restart would not know of it.
  func requireFolder() throws(Problem) {
    guard let store else { return }
    try log.stored { () throws(StoreError) in try store.requireFolder() }
  }

  /// Runs a change in its turn, if what is live meets the order's precondition.
  ///
  /// - Parameter overriding: Whether it ends a proof in progress and arriving uploads.
  func inTurn<Result>(
    _ action: String, _ order: ChangeOrder, overriding: Bool = false,
    _ change: (SwapTurn) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    // An order that is refused at once ends nothing.
    if deployer.turns.current == nil { try order.precondition.check(pool.live.model.version) }
    let turn: SwapTurn
    do throws(SwapFailure) {
      turn = try deployer.take(
        action, by: order.by, for: order.upload, overriding: overriding,
        isAbandoned: order.isAbandoned)
    } catch {
      throw Problem(error)
    }
    defer { deployer.turns.end(turn) }
    try order.precondition.check(pool.live.model.version)
    return try change(turn)
  }

  // MARK: Changes

  /// Proves an upload, and unless it is a dry run keeps it and makes it live, or the canary.
  ///
  /// On request, a file without labels is completed with the live model's labels and preprocessing,
  /// and of one with several networks one is taken.
  /// The completed file is then what is kept, and gives the version.
  func upload(
    _ sink: UploadSink, _ parameters: UploadParameters, _ order: ChangeOrder
  ) throws(Problem) -> SwapReport {
    try log.audited(parameters.action, by: order.actor) { digits throws(Problem) in
      let store = try requireStore()
      let uploaded = try parameters.finish(sink, in: store, log)
      digits = uploaded.version.hex
      defer { store.discard(uploaded) }
      return try inTurn(parameters.action, order) { turn throws(Problem) in
        if let percent = parameters.canary, !parameters.completes,
          let canary = goOn(with: uploaded.version, percent)
        {
          return SwapReport(canary, beside: pool.live)
        }
        var request = SwapRequest(
          path: uploaded.path, dryRun: parameters.dryRun, by: order.by)
        let completion =
          parameters.completes
          ? UploadCompletion(
            of: uploaded, in: store, like: parameters.inherits ? pool.live.model : nil,
            parameters.choice, turn, log) : nil
        defer { completion?.discard() }
        if let completion { request.completion = completion.run }
        let recorder = ModelRecorder(
          store: store, subject: completion.map { .completed($0) } ?? .staged(uploaded),
          by: order.by, log: log)
        var report =
          if let percent = parameters.canary {
            try beginCanary(request, percent, in: turn, recorder)
          } else {
            try deploy(request, in: turn, recorder)
          }
        // The completed file says what was assumed of the uploaded one.
        if let completion { report.assumptions = completion.assumptions }
        return report
      }
    }
  }

  /// Makes a kept version live again; ends a proof in progress and arriving uploads.
  func activate(_ digits: String, _ order: ChangeOrder) throws(Problem) -> SwapReport {
    try log.audited("activate", by: order.actor) { found throws(Problem) in
      let store = try requireStore()
      let version = try log.stored { () throws(StoreError) in
        try store.version(matching: digits).version
      }
      found = version.hex
      return try inTurn("activate", order, overriding: true) { turn throws(Problem) in
        try activate(version, in: store, turn, by: order.by)
      }
    }
  }

  /// Makes the previous version live; ends a proof in progress and arriving uploads, and needs no
  /// disk space.
  func rollBack(_ order: ChangeOrder) throws(Problem) -> SwapReport {
    try log.audited("rollback", by: order.actor) { digits throws(Problem) in
      let store = try requireStore()
      // Without a target it ends nothing, unless the change in progress is about to become what it
      // goes back from.
      if deployer.turns.current == nil { _ = try former(in: store) }
      return try inTurn("rollback", order, overriding: true) { turn throws(Problem) in
        let former = try former(in: store)
        digits = former.hex
        return try activate(former, in: store, turn, by: order.by, isReturn: true)
      }
    }
  }

  /// Returns the version that a rollback goes to.
  private func former(in store: ModelStore) throws(Problem) -> ModelVersion {
    let record = store.live
    // The live model is not in the record if it could not be kept there.
    let former = record?.version == pool.live.model.version ? record?.previous : record?.version
    guard let former else {
      throw Problem(409, .noPreviousVersion, "no version was live before in this store")
    }
    return former
  }

  /// Ends a candidate that is being proved, and arriving uploads.
  func endSwap(by actor: Administrator) throws(Problem) -> EndedSwaps {
    try log.endSwap(of: deployer.turns, by: actor)
  }

  /// Removes a kept version that nothing uses.
  func remove(_ digits: String, by actor: Administrator) throws(Problem) -> StoredVersion {
    let store = try requireStore()
    return try log.remove(digits, from: store, by: actor) { version throws(Problem) in
      let use =
        version == pool.live.model.version
        ? "live" : version == pool.traffic.canary?.version ? "the canary" : nil
      guard let use else { return }
      throw Problem(StoreError.versionInUse(version, use: use))
    }
  }

  /// Makes a kept version live.
  ///
  /// - Parameter isReturn: Whether it is a rollback, which is made even if it cannot be recorded.
  func activate(
    _ version: ModelVersion, in store: ModelStore, _ turn: SwapTurn, by who: String,
    isReturn: Bool = false
  ) throws(Problem) -> SwapReport {
    try log.stored { () throws(StoreError) in try store.pin(version) }
    defer { store.unpin(version) }
    guard let path = store.path(of: version) else {
      throw Problem(StoreError.unknownVersion(version.hex))
    }
    let recorder = ModelRecorder(
      store: store, subject: .kept(version, path: path), by: who, log: log,
      late: isReturn ? lateRecord : nil)
    if let canary = pool.traffic.canary, canary.version == version {
      return try promote(canary, in: turn, by: who, recorder)
    }
    try requireFolder()
    var request = SwapRequest(path: path, by: who)
    request.isReturn = isReturn
    request.kept = KeptFile(version, in: store, log: log)
    return try deploy(request, in: turn, recorder)
  }

  /// Deploys, and keeps the choice before it takes effect.
  func deploy(
    _ request: SwapRequest, in turn: SwapTurn, _ recorder: ModelRecorder
  ) throws(Problem) -> SwapReport {
    do throws(SwapFailure) {
      return try deployer.deploy(request, in: turn) { model throws(SwapFailure) in
        if !request.isReturn { keepFirst() }
        return try recorder.record(model.name, model.version)
      }
    } catch {
      throw log.problem(error, in: recorder.store)
    }
  }
}
