package import Checkpoint
import Machine
import Synchronization

/// Reservations for what reading a model takes beside its file, until they are released.
package final class LoadingReservations: Sendable {
  private let reservations = Mutex<[Reservation]>([])

  package init() {}

  /// Returns what a reader asks.
  ///
  /// - Parameter overdraws: Whether everything is granted, for a model that administrators go back
  ///   to.
  package func memory(of context: ServingContext, overdraws: Bool = false) -> LoadingMemory {
    let budget = context.memory
    return LoadingMemory { count in
      overdraws || count <= budget.freeByteCount
    } grants: { [self] count in
      let reservation =
        overdraws
        ? budget.overdraw(count, isLasting: true, use: .models)
        : budget.reserve(count, isLasting: true, use: .models)
      guard let reservation else { return false }
      reservations.withLock { $0.append(reservation) }
      return true
    }
  }

  package func release() { reservations.withLock { $0 = [] } }
}
