import Glibc
import Synchronization

/// A thread of its own, for work that computes or blocks.
package struct WorkerThread: Sendable {
  // SAFETY: an identifier, joined once by its owner.
  private let identifier: pthread_t

  private final class Body {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts immediately; fails only if the system refuses a thread.
  package init?(_ run: @escaping @Sendable () -> Void) {
    let body = unsafe Unmanaged.passRetained(Body(run)).toOpaque()
    var identifier = pthread_t()
    // SAFETY: the thread takes over the only reference.
    let status = unsafe pthread_create(
      &identifier, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, body)
    guard status == 0 else {
      unsafe Unmanaged<Body>.fromOpaque(body).release()
      return nil
    }
    self.identifier = identifier
  }

  /// Waits until it has ended.
  package func join() { pthread_join(identifier, nil) }

  /// Lets it end by itself, instead of `join`.
  package func detach() { pthread_detach(identifier) }

  /// Lowers the calling thread's priority from now on, by a number that `nice` accepts; returns
  /// false if the system refuses.
  ///
  /// Linux has a niceness per thread; 0 means the calling one.
  package static func yield(to niceness: CInt) -> Bool {
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) == 0
  }

  /// Returns the results of parts 0 to `partCount - 1`, which threads take as they come; the caller
  /// does what is left where the system refuses threads.
  ///
  /// - Parameter body: Called with a part and the number of the thread, below `threads`, that has it.
  package static func parts<Result: Sendable>(
    _ partCount: Int, threads: Int,
    _ body: @escaping @Sendable (_ part: Int, _ thread: Int) -> Result
  ) -> [Result] {
    let results = Results<Result>(count: partCount)
    let work: @Sendable (Int) -> Void = { thread in
      while let part = results.take() { results.record(part, body(part, thread)) }
    }
    let count = min(threads, partCount)
    if count < 2 || !runSideBySide(count, work) { work(0) }
    return results.all
  }

  /// Results of parts, in order.
  private final class Results<Result: Sendable>: Sendable {
    private let next = Atomic(0)
    private let count: Int
    private let results: Mutex<[Result?]>

    init(count: Int) {
      self.count = count
      results = Mutex([Result?](repeating: nil, count: count))
    }

    func take() -> Int? {
      let part = next.add(1, ordering: .relaxed).oldValue
      return part < count ? part : nil
    }

    func record(_ part: Int, _ result: Result) { results.withLock { $0[part] = result } }

    var all: [Result] { results.withLock { $0.compactMap(\.self) } }
  }

  /// Runs `body` on `count` threads with their numbers and waits for all of them; returns false if
  /// not all could be started.
  package static func runSideBySide(
    _ count: Int, _ body: @escaping @Sendable (Int) -> Void
  ) -> Bool {
    let threads = (0..<count).map { index in WorkerThread { body(index) } }
    for thread in threads { thread?.join() }
    return threads.allSatisfy { $0 != nil }
  }
}
