import Dispatch
import ModelStore
import RemoteModels
package import Serving
import Synchronization

/// Where the thread that follows a remote store takes what it fetches: to the place of a first model, then to whoever
/// changes models.
package final class FollowerDesk: Sendable {
  private let vacancy: Vacancy?
  /// Said of a vacancy that has another reason than that nothing has come yet.
  private let loss: String?
  private let changes = Mutex<ModelAdministration?>(nil)
  private let opened = DispatchSemaphore(value: 0)

  /// - Parameter vacancy: Nil where the server begins with a model of its own; then nothing is asked for before `open`.
  package init(_ vacancy: Vacancy?) {
    self.vacancy = vacancy
    loss = vacancy?.store.standing.loss
  }

  /// A model is live: from now on others take its place by this.
  func open(_ administration: ModelAdministration) {
    changes.withLock { $0 = administration }
    opened.signal()
  }

  /// Nothing will be asked for any more.
  func close() { opened.signal() }

  /// Returns when a model can be taken.
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

  /// Says what is waited for after a look at the store.
  func polled(_ outcome: PollOutcome) {
    progress(
      outcome == .refused
        ? "the model of the model store was refused; waiting for another" : Self.fetching)
  }

  /// Nothing has come, and there is another model to begin with.
  func giveUp() { vacancy?.giveUp() }

  private func progress(_ text: String) {
    vacancy?.progress(loss.map { "\($0); \(text)" } ?? text)
  }

  package static let fetching = "fetching the model from the model store"
}
