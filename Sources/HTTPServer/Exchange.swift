package import HTTPCore
import Synchronization

/// The answer to come of one request.
///
/// It is given exactly once, from any thread; an exchange that is dropped unanswered answers 500.
package final class Exchange: Sendable {
  private enum Progress {
    /// The handler is still running on the connection's queue.
    case handling
    case answeredWhileHandling(Response)
    case waiting(deliver: @Sendable (Response) -> Void)
    case answered
  }

  /// Instant at which the request's first byte arrived: deadlines count from here.
  package let receivedAt: ContinuousClock.Instant
  private let progress = Mutex(Progress.handling)
  private let cancelled = Atomic(false)
  private let finished = Atomic(false)

  package init(receivedAt: ContinuousClock.Instant) { self.receivedAt = receivedAt }

  deinit {
    if case .waiting(let deliver) = progress.withLock({ $0 }) { deliver(Response(status: 500)) }
  }

  /// Whether the client is gone, so that an answer would reach nobody.
  package var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Whether the client will send nothing more: it is gone, or has closed its half and reads on.
  ///
  /// TCP tells no difference until an answer is sent. What costs little is answered all the same;
  /// what costs minutes may end here.
  package var hasClientFinished: Bool { finished.load(ordering: .relaxed) || isCancelled }

  /// Notes that the client will send nothing more.
  package func clientFinished() { finished.store(true, ordering: .relaxed) }

  /// Notes that the client is gone.
  package func cancel() { cancelled.store(true, ordering: .relaxed) }

  /// Gives the answer. A second one is a programmer's error.
  package func respond(_ response: Response) {
    let deliver: (@Sendable (Response) -> Void)? = progress.withLock { progress in
      switch progress {
      case .handling:
        progress = .answeredWhileHandling(response)
        return nil
      case .waiting(let deliver):
        progress = .answered
        return deliver
      case .answeredWhileHandling, .answered:
        preconditionFailure("an exchange must be answered once")
      }
    }
    deliver?(response)
  }

  /// Notes that the handler has returned; its answer if it gave one, else `deliver` will be called
  /// with it.
  package func handlerReturned(
    deliver: @escaping @Sendable (Response) -> Void
  ) -> Response? {
    progress.withLock { progress in
      if case .answeredWhileHandling(let response) = progress {
        progress = .answered
        return response
      }
      progress = .waiting(deliver: deliver)
      return nil
    }
  }
}
