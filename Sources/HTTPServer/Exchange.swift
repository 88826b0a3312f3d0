package import HTTPCore
import Synchronization

/// One request's answer to come. Answered exactly once, from any thread; one that is dropped unanswered
/// answers 500.
package final class Exchange: Sendable {
  private enum State {
    /// The handler is still running on the connection's queue.
    case handling
    case answeredWhileHandling(Response)
    case waiting(deliver: @Sendable (Response) -> Void)
    case answered
  }

  /// When the request's first byte arrived: deadlines count from here.
  package let receivedAt: ContinuousClock.Instant
  /// Of the client, as the connection shows it.
  package let remoteAddress: String
  private let state = Mutex(State.handling)
  private let cancelled = Atomic(false)
  private let finished = Atomic(false)

  package init(receivedAt: ContinuousClock.Instant, remoteAddress: String = "-") {
    self.receivedAt = receivedAt
    self.remoteAddress = remoteAddress
  }

  deinit {
    if case .waiting(let deliver) = state.withLock({ $0 }) { deliver(Response(status: 500)) }
  }

  /// Whether the client is gone, so that an answer would reach nobody.
  package var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Whether the client will send nothing more: it is gone, or has closed its half and reads on.
  ///
  /// TCP tells no difference until an answer is sent. What costs little is answered all the same; what costs minutes may
  /// end here.
  package var hasClientFinished: Bool { finished.load(ordering: .relaxed) || isCancelled }

  package func clientFinished() { finished.store(true, ordering: .relaxed) }

  /// The client is gone.
  package func cancel() { cancelled.store(true, ordering: .relaxed) }

  /// A second answer is a programmer's error.
  package func respond(_ response: Response) {
    let deliver: (@Sendable (Response) -> Void)? = state.withLock { state in
      switch state {
      case .handling:
        state = .answeredWhileHandling(response)
        return nil
      case .waiting(let deliver):
        state = .answered
        return deliver
      case .answeredWhileHandling, .answered:
        preconditionFailure("an exchange is answered once")
      }
    }
    deliver?(response)
  }

  /// The handler has returned: its answer if it gave one, else `deliver` will be called with it.
  package func handlerReturned(
    deliver: @escaping @Sendable (Response) -> Void
  ) -> Response? {
    state.withLock { state in
      if case .answeredWhileHandling(let response) = state {
        state = .answered
        return response
      }
      state = .waiting(deliver: deliver)
      return nil
    }
  }
}
