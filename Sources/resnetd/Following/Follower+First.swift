import Checkpoint
import ModelStore
import RemoteModels
import Serving
import Telemetry

extension Follower {
  /// Fetches the model that a server begins with, proves, keeps and records it.
  ///
  /// - Parameters:
  ///   - once: Whether there is another model to begin with where this does not come at once.
  ///   - progress: Hears what is being waited for, in words for anybody.
  /// - Returns: Nil when it was cancelled, or `once` and the first poll brought none.
  mutating func first(
    once: Bool, progress: (String) -> Void,
    prove: (SwapRequest) throws(SwapFailure) -> FirstDeployment
  ) -> FirstDeployment? {
    let (store, source, log) = (store, source, log)
    var first: FirstDeployment?
    progress("fetching the model from the model store")
    repeat {
      let outcome = poll { fetched in
        progress("proving the model from the model store")
        let start = ContinuousClock.now
        do throws(SwapFailure) {
          first = try Self.keep(fetched, in: store, from: source, prove: prove)
          Self.audit(fetched, from: source, "live", since: start, log)
          return .live
        } catch {
          Self.audit(fetched, from: source, "\(error.kind.rawValue): \(error)", since: start, log)
          return Promotion(error)
        }
      }
      guard first == nil, let outcome, !once else { return first }
      progress(
        outcome == .refused
          ? "the model of the model store was refused; waiting for another"
          : "fetching the model from the model store")
    } while wait()
    return nil
  }

  private static func audit(
    _ fetched: RemoteModels.Fetched, from source: String, _ outcome: String,
    since start: ContinuousClock.Instant, _ log: Log
  ) {
    let version =
      switch fetched {
      case .staged(let staged): staged.version
      case .kept(let kept): kept.version
      }
    ModelAdministration.auditFirst(
      version, from: source, outcome, after: .now - start, to: log)
  }

  private static func keep(
    _ fetched: RemoteModels.Fetched, in store: ModelStore, from source: String,
    prove: (SwapRequest) throws(SwapFailure) -> FirstDeployment
  ) throws(SwapFailure) -> FirstDeployment {
    let by = ModelAdministration.name(ofStore: source)
    let (version, path) =
      switch fetched {
      case .staged(let staged): (staged.version, staged.path as String?)
      case .kept(let kept): (kept.version, store.path(of: kept.version))
      }
    let first = try prove(SwapRequest(path: path ?? "", by: by))
    do throws(StoreError) {
      if case .staged(let staged) = fetched {
        _ = try store.keep(staged, name: first.deployment.model.name, by: by)
      }
      try store.recordLive(version, by: by)
    } catch {
      throw SwapFailure(step: .record, reason: error.description, kind: .internal)
    }
    return first
  }
}
