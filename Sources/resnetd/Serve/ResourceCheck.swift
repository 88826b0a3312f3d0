import Glibc

/// Check that the system gives this process the threads and addresses that it needs.
///
/// Dispatch waits for a thread forever if a limit prevents it, so this is checked beforehand.
enum ResourceCheck {
  /// Makes so many threads side by side, and so many bytes of addresses, and releases them at once;
  /// throws if the system refuses any of them.
  static func check(threads count: Int, byteCount: Int) throws(Failure) {
    let gate = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    defer { unsafe gate.deallocate() }
    unsafe sem_init(gate, 0, 0)
    // They allocate no memory: for each, the allocator would reserve 64 MiB of addresses.
    var threads: [pthread_t] = []
    while threads.count < count {
      var thread = pthread_t()
      // SAFETY: the semaphore outlives all the threads.
      let status = unsafe pthread_create(
        &thread, nil,
        { gate in
          guard let gate = unsafe gate?.assumingMemoryBound(to: sem_t.self) else { return nil }
          while unsafe sem_wait(gate) != 0 {}
          return nil
        }, gate)
      guard status == 0 else { break }
      threads.append(thread)
    }
    let hasAddresses = threads.count == count && hasAddresses(byteCount)
    for _ in threads { unsafe sem_post(gate) }
    for thread in threads { pthread_join(thread, nil) }
    unsafe sem_destroy(gate)
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

  /// Tries to map the addresses, without taking memory.
  private static func hasAddresses(_ byteCount: Int) -> Bool {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    // SAFETY: a mapping of its own, which nobody reads or writes before it is removed.
    let address = unsafe mmap(nil, byteCount, PROT_NONE, flags, -1, 0)
    guard unsafe address != MAP_FAILED else { return false }
    unsafe munmap(address, byteCount)
    return true
  }
}
