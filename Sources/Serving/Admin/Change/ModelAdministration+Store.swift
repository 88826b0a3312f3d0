package import Checkpoint
package import ModelStore

/// Changes that a remote store asks for: with the same checks as an upload, recorded and audited as
/// one.
extension ModelAdministration {
  /// Proves a fetched model, keeps it and makes it live.
  ///
  /// If it does not become live, it stays the caller's, to try again or to discard.
  ///
  /// - Parameter source: Where it comes from, for people.
  package func promote(_ staged: StagedModel, from source: String) -> Promotion {
    promote(staged.version, from: source) { store, order, turn throws(Problem) in
      try deploy(
        SwapRequest(path: staged.path, by: order.by), in: turn,
        ModelRecorder(store: store, subject: .staged(staged), by: order.by, log: log))
    }
  }

  /// Makes a version live that was already kept.
  package func promote(_ version: ModelVersion, from source: String) -> Promotion {
    promote(version, from: source) { store, order, turn throws(Problem) in
      try activate(version, in: store, turn, by: order.by)
    }
  }

  /// Returns the name by which a record says that a remote store made a model live.
  package static func name(ofStore source: String) -> String {
    Administrator(store: source).description
  }

  static let followAction = "follow"

  private func promote(
    _ version: ModelVersion, from source: String,
    _ change: (ModelStore, ChangeOrder, SwapTurn) throws(Problem) -> SwapReport
  ) -> Promotion {
    let order = ChangeOrder(actor: Administrator(store: source))
    do throws(Problem) {
      _ = try log.audited(Self.followAction, by: order.actor) { digits throws(Problem) in
        digits = version.hex
        let store = try requireStore()
        return try inTurn(Self.followAction, order) { turn throws(Problem) in
          try change(store, order, turn)
        }
      }
      return .live
    } catch {
      return Promotion(error)
    }
  }
}

extension Administrator {
  /// Bytes of the source in a record's string, which may have 256 with the words before it.
  private static let sourceByteLimit = 200

  /// Describes a remote store that is followed.
  init(store source: String) {
    let shown = String(decoding: source.utf8.prefix(Self.sourceByteLimit), as: UTF8.self)
    self.init(
      credential: "store", address: shown.utf8.count < source.utf8.count ? shown + "…" : shown,
      requestID: "-")
  }
}
