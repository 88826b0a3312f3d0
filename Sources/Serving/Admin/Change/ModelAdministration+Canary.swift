import Checkpoint
import Inference
import ModelStore
import Telemetry

/// Changes of the canary: a kept version that answers a share of the requests beside the live one.
extension ModelAdministration {
  /// Proves a kept version and lets it answer its share, in place of another canary if there is
  /// one.
  ///
  /// If the version is already the canary, it gets the rules at once and keeps its counts.
  func setCanary(
    _ parameters: CanaryParameters, _ order: ChangeOrder
  ) throws(Problem) -> SwapReport {
    try log.audit("canary", by: order.actor) { note throws(Problem) in
      let store = try requireStore()
      let version = try log.stored { () throws(StoreError) in
        try store.version(matching: parameters.version).version
      }
      note.digest = version.hex
      note.outcome = AuditNote.outcome(parameters.rules.percent, goesOn: false)
      try checkNotLive(version)
      try order.precondition.check(pool.live.model.version)
      if let canary = pool.traffic.canary, canary.version == version,
        pool.traffic.change(canary, to: parameters.rules)
      {
        note.outcome = AuditNote.outcome(parameters.rules.percent, goesOn: true)
        return SwapReport(canary, beside: pool.live)
      }
      return try inTurn("canary", order) { turn throws(Problem) in
        try beginCanary(version, parameters.rules, in: store, turn, by: order.by)
      }
    }
  }

  func endCanary(by actor: Administrator) throws(Problem) {
    try log.audit("end canary", by: actor) { note throws(Problem) in
      let canary = pool.traffic.canary
      note.digest = canary?.version.hex ?? note.digest
      guard let canary, pool.traffic.end(canary, .request) != nil else {
        throw Problem(404, .noCanary, "no canary answers requests")
      }
      note.outcome = "ended"
    }
  }

  /// Makes the canary live as it is in memory, once its bytes on the disk are found intact.
  func promote(
    _ canary: Canary, in turn: SwapTurn, by who: String, _ recorder: ModelRecorder
  ) throws(Problem) -> SwapReport {
    try log.stored { () throws(StoreError) in
      try recorder.store.requireFolder()
      try recorder.store.verify(canary.version) { turn.isCancelled }
    }
    do throws(SwapFailure) {
      return try deployer.promote(canary, by: who, in: turn) { () throws(SwapFailure) in
        keepFirst()
        let model = canary.deployment.model
        return try recorder.record(model.name, model.version)
      }
    } catch {
      throw Problem(error)
    }
  }

  private func checkNotLive(_ version: ModelVersion) throws(Problem) {
    guard version != pool.live.model.version else {
      throw Problem(409, .alreadyLive, "version \(version.short) is live already")
    }
  }

  private func beginCanary(
    _ version: ModelVersion, _ rules: CanaryRules, in store: ModelStore, _ turn: SwapTurn,
    by who: String
  ) throws(Problem) -> SwapReport {
    try requireFolder()
    // Pinned until the canary ends: a promotion needs the file.
    try log.stored { () throws(StoreError) in try store.pin(version) }
    var isBegun = false
    defer { if !isBegun { store.unpin(version) } }
    guard let path = store.path(of: version) else {
      throw Problem(StoreError.unknownVersion(version.hex))
    }
    var request = SwapRequest(path: path, by: who)
    request.kept = KeptFile(version, in: store, log: log)
    do throws(SwapFailure) {
      return try deployer.deployCanary(request, in: turn) {
        (_, deployment) throws(SwapFailure) in
        do throws(Problem) {
          // A swap may have come first.
          try checkNotLive(version)
        } catch {
          throw SwapFailure(step: .validate, reason: error.detail, kind: .refused, cause: error)
        }
        isBegun = true
        return begin(version, deployment, rules, in: store, by: who)
      }
    } catch {
      throw Problem(error)
    }
  }

  /// Gives the canary another share of the requests if it is of that version, keeps its counts and
  /// other rules, and returns it; nil if it is not, or there is none.
  func goOn(with version: ModelVersion, _ percent: CanaryPercent) -> Canary? {
    guard let canary = pool.traffic.canary, canary.version == version else { return nil }
    var rules = canary.rules
    rules.percent = percent
    return pool.traffic.change(canary, to: rules) ? canary : nil
  }

  /// Proves a model that has just arrived, keeps it, and lets it answer its share.
  func beginCanary(
    _ request: SwapRequest, _ percent: CanaryPercent, in turn: SwapTurn, _ recorder: ModelRecorder
  ) throws(Problem) -> SwapReport {
    do throws(SwapFailure) {
      return try deployer.deployCanary(request, in: turn) {
        (model, deployment) throws(SwapFailure) in
        do throws(Problem) { try checkNotLive(model.version) } catch {
          throw SwapFailure(step: .validate, reason: error.detail, kind: .refused, cause: error)
        }
        // A file that was completed may turn out to be the canary's.
        if let canary = goOn(with: model.version, percent) { return canary }
        try recorder.pin(model.name)
        return begin(
          model.version, deployment, CanaryRules(percent: percent), in: recorder.store,
          by: request.by)
      }
    } catch {
      throw Problem(error)
    }
  }

  /// Sends a version its share of the requests; it is unpinned when that ends.
  private func begin(
    _ version: ModelVersion, _ deployment: Deployment, _ rules: CanaryRules,
    in store: ModelStore, by who: String
  ) -> Canary {
    let canary = Canary(
      deployment, beside: pool.live, rules: rules, by: who,
      onEnd: { [log] end in
        store.unpin(version)
        if end.reason.isAutomatic { Self.writeAudit(end, log) }
      })
    pool.traffic.begin(canary)
    return canary
  }

  /// Writes the audit line of an end that nobody asked for.
  private static func writeAudit(_ end: CanaryEnd, _ log: Log) {
    let milliseconds = end.at.millisecondsSince1970 - end.status.since.millisecondsSince1970
    AuditNote(digest: end.status.version.hex, outcome: end.reason.rawValue).write(
      "canary returned", by: .server, after: .milliseconds(milliseconds), to: log)
  }
}

extension Administrator {
  /// The program itself.
  fileprivate static let server = Self(credential: "server", address: "-", requestID: "-")
}
