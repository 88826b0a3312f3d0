import Glibc
import Synchronization

/// Lets threads begin together.
package final class Barrier: Sendable {
  private let missing: Atomic<Int>

  package init(_ count: Int) { missing = Atomic(count) }

  /// Announces a thread; every thread arrives once, whether it will run or not.
  package func arrive() { missing.subtract(1, ordering: .acquiringAndReleasing) }

  package func wait() { while missing.load(ordering: .acquiring) > 0 { usleep(100) } }
}
