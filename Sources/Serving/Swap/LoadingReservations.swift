package import Checkpoint
import Machine
import Synchronization

/// Reservations for what reading a model takes beside its file, until they are released.
package final class LoadingReservations: Sendable {
  private let reservations = Mutex<[Reservation]>([])
  private let refusal = Atomic(false)

  /// Whether anything was refused for lack of memory.
  package var wasRefused: Bool { refusal.load(ordering: .relaxed) }

  package init() {}

  /// Returns what a reader asks.
  ///
  /// - Parameter overdraws: Whether everything is granted, for a model that administrators go back
  ///   to.
  package func memory(of context: ServingContext, overdraws: Bool = false) -> LoadingMemory {
    let budget = context.memory
    return LoadingMemory { [self] count in
      let hasRoom = overdraws || count <= budget.freeByteCount
      if !hasRoom { refusal.store(true, ordering: .relaxed) }
      return hasRoom
    } grants: { [self] count in
      let reservation =
        overdraws
        ? budget.overdraw(count, isLasting: true, use: .models)
        : budget.reserve(count, isLasting: true, use: .models)
      guard let reservation else {
        refusal.store(true, ordering: .relaxed)
        return false
      }
      reservations.withLock { $0.append(reservation) }
      return true
    }
  }

  /// Bytes that are reserved.
  var byteCount: Int { reservations.withLock { $0.reduce(0) { $0 + $1.byteCount } } }

  package func release() { reservations.withLock { $0 = [] } }
}
