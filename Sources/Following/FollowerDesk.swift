import Dispatch
import ModelStore
import RemoteModels
package import Serving
import Synchronization

/// Destination of the models that are fetched from a remote store: first the vacancy, then the
/// administration of models.
package final class FollowerDesk: Sendable {
  private let vacancy: Vacancy?
  /// Reason for the vacancy other than that nothing has arrived yet.
  private let loss: String?
  private let changes = Mutex<ModelAdministration?>(nil)
  private let opened = DispatchSemaphore(value: 0)

  /// Makes a desk; if `vacancy` is nil, the server has a model of its own and nothing is asked for
  /// before `open`.
  package init(_ vacancy: Vacancy?) {
    self.vacancy = vacancy
    loss = vacancy?.store.standing.loss
  }

  /// Directs models to `administration`, which replaces the one now live.
  func open(_ administration: ModelAdministration) {
    changes.withLock { $0 = administration }
    opened.signal()
  }

  /// Ends all requests for models, and releases the server's models even if the thread that follows
  /// has not noticed yet.
  func close() {
    // The last reference may free a model: not under the lock.
    let released = changes.withLock { changes in
      defer { changes = nil }
      return changes
    }
    opened.signal()
    withExtendedLifetime(released) {}
  }

  /// Returns when a model can be accepted.
  func wait() {
    if vacancy == nil { opened.wait() }
  }

  func promote(_ fetched: RemoteModels.Fetched, from source: String) -> Promotion {
    if let changes = changes.withLock({ $0 }) {
      return switch fetched {
      case .staged(let staged): changes.promote(staged, from: source)
      case .kept(let kept): changes.promote(kept.version, from: source)
      }
    }
    guard let vacancy else { return .busy }
    progress("proving the model from the model store")
    return switch fetched {
    case .staged(let staged): vacancy.promote(staged, from: source)
    case .kept(let kept): vacancy.promote(kept.version, from: source)
    }
  }

  /// Reports what the vacancy waits for after a poll.
  func polled(_ outcome: PollOutcome) {
    progress(
      outcome == .refused
        ? "the model of the model store was refused; waiting for another" : Self.fetching)
  }

  /// Gives up the vacancy: nothing has arrived, and there is another model to begin with.
  func giveUp() { vacancy?.giveUp() }

  private func progress(_ text: String) {
    vacancy?.progress(loss.map { "\($0); \(text)" } ?? text)
  }

  package static let fetching = "fetching the model from the model store"
}
