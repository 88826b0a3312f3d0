package import Checkpoint
package import ModelStore
package import Telemetry

/// Changes that a remote store asks for: through the same checks as an upload, recorded and audited as one.
extension ModelAdministration {
  /// Proves a model that was fetched, keeps it and makes it live. Unless it becomes live it stays the caller's to try
  /// again or to discard.
  ///
  /// - Parameter source: Where from, for people.
  package func promote(_ staged: StagedModel, from source: String) -> Promotion {
    promote(staged.version, by: Administrator(store: source)) { store, actor throws(Problem) in
      try deploy(SwapRequest(path: staged.path, by: actor.description)) {
        (model) throws(StoreError) in
        _ = try store.keep(staged, name: model.name, by: actor.description)
        try store.recordLive(staged.version, by: actor.description)
      }
    }
  }

  /// Makes a version live that is kept since before.
  package func promote(_ version: ModelVersion, from source: String) -> Promotion {
    let promotion = promote(version, by: Administrator(store: source)) {
      store, actor throws(Problem) in
      try activate(version, in: store, by: actor)
    }
    // What cannot be read as a model may be one where it comes from.
    if case .refused = promotion, (try? store?.verify(version)) == nil { return .damaged }
    return promotion
  }

  /// What a record says of who made a model live where a remote store did.
  package static func name(ofStore source: String) -> String {
    Administrator(store: source).description
  }

  /// Writes the audit line of a model that a server without one begins with, or does not.
  package static func auditFirst(
    _ version: ModelVersion, from source: String, _ outcome: String, after duration: Duration,
    to log: Log
  ) {
    AuditNote(digest: version.hex, outcome: outcome).write(
      followAction, by: Administrator(store: source), after: duration, to: log)
  }

  private static let followAction = "follow"

  private func promote(
    _ version: ModelVersion, by actor: Administrator,
    _ change: (ModelStore, Administrator) throws(Problem) -> SwapReport
  ) -> Promotion {
    do throws(Problem) {
      _ = try audited(Self.followAction, by: actor) { digits throws(Problem) in
        digits = version.hex
        return try change(try requireStore(), actor)
      }
      return .live
    } catch {
      return Promotion(error)
    }
  }
}

extension Administrator {
  /// Of a record's text, which may have 256 with what stands before it.
  private static let sourceByteLimit = 200

  /// A remote store that is followed.
  init(store source: String) {
    let shown = String(decoding: source.utf8.prefix(Self.sourceByteLimit), as: UTF8.self)
    self.init(
      credential: "store", address: shown.utf8.count < source.utf8.count ? shown + "…" : shown,
      requestID: "-")
  }
}
