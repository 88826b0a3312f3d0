import Dispatch
import Glibc
import Serving

/// Whether the system gives this process the threads and addresses that it needs.
///
/// Dispatch waits for a thread until there is one, forever where a limit stands against it: so it is found out before.
enum ResourceCheck {
  /// Makes so many threads side by side, and so many bytes of addresses beside them, which go at once; throws where the
  /// system refuses some of it.
  static func check(threads count: Int, byteCount: Int) throws(Failure) {
    let gate = DispatchSemaphore(value: 0)
    var threads: [WorkerThread] = []
    while threads.count < count, let thread = WorkerThread({ gate.wait() }) {
      threads.append(thread)
    }
    let hasAddresses = threads.count == count && hasAddresses(byteCount)
    for _ in threads { gate.signal() }
    for thread in threads { thread.join() }
    guard threads.count == count else { throw refusal(threads: count, given: threads.count) }
    guard hasAddresses else {
      throw Failure(
        "the system refuses this process \(byteCount) bytes of memory beside its \(count) threads: allow it more address "
          + "space (ulimit -v), or give it fewer --workers or --io-queues")
    }
  }

  static func refusal(threads count: Int, given: Int) -> Failure {
    Failure(
      "the system gives this process \(given) threads, \(count) are needed: allow it more address space (ulimit -v) or "
        + "processes (ulimit -u, pids.max of its control group), or give it fewer --workers or --io-queues"
    )
  }

  /// Without taking any memory.
  private static func hasAddresses(_ byteCount: Int) -> Bool {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    // SAFETY: a mapping of its own, which nobody reads or writes before it goes.
    let address = unsafe mmap(nil, byteCount, PROT_NONE, flags, -1, 0)
    guard unsafe address != MAP_FAILED else { return false }
    unsafe munmap(address, byteCount)
    return true
  }
}
