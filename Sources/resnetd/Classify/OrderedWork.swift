import Dispatch
import Inference
import Synchronization

/// Batches that threads take from one source, work on side by side, and whose results are handed
/// over in the source's order.
///
///     source ─ take ─> batch n+2 ─ worker 1 ─┐
///                      batch n+1 ─ worker 0 ─┤ ready, waits for its turn
///                      batch n ─── worker 2 ─┴─ consume, one thread at a time
///
/// Batches that were taken and not consumed are bounded, and with them everything in memory.
final class OrderedWork<Item: Sendable, Product: Sendable>: Sendable {
  /// Work of one thread, made and used there alone.
  typealias Worker = ([Item]) throws -> [Product]

  /// Batches per thread that may wait for an earlier one, so that a slow image holds nobody up.
  private static var batchesPerThread: Int { 8 }

  private struct Taking {
    var nextNumber = 0
    var isEnded = false
  }

  private struct Turns {
    /// Number of the batch that is to be consumed next.
    var next = 0
    var ready: [Int: [Product]] = [:]
    var isConsuming = false
    var failure: (any Error)?
  }

  private let threadCount: Int
  private let slots: DispatchSemaphore
  private let taking = Mutex(Taking())
  private let turns = Mutex(Turns())
  private let take: @Sendable () throws -> [Item]
  private let consume: @Sendable ([Product]) throws -> Void
  private let makeWorker: @Sendable () throws -> Worker

  /// - Parameters:
  ///   - take: Returns the next batch, empty at the end; called by one thread at a time.
  ///   - makeWorker: Called on each thread; whatever it allocates belongs to that thread.
  ///   - consume: Called with each batch's results in order, by one thread at a time.
  init(
    threads: Int, take: @escaping @Sendable () throws -> [Item],
    makeWorker: @escaping @Sendable () throws -> Worker,
    consume: @escaping @Sendable ([Product]) throws -> Void
  ) {
    threadCount = threads
    slots = DispatchSemaphore(value: 0)
    for _ in 0..<threads * Self.batchesPerThread { slots.signal() }
    (self.take, self.makeWorker, self.consume) = (take, makeWorker, consume)
  }

  /// Returns when everything is consumed.
  ///
  /// - Throws: The first error of any part; results before it in order may have been consumed.
  func run() throws {
    let areStarted = WorkerThread.runSideBySide(threadCount) { [self] _ in
      do { try work(try makeWorker()) } catch { fail(error) }
      // Whoever waits for a batch looks again.
      slots.signal()
    }
    if let failure = turns.withLock(\.failure) { throw failure }
    guard areStarted else {
      throw Failure("\(threadCount) threads cannot be started; --jobs asks for fewer")
    }
  }

  private func work(_ worker: Worker) throws {
    while true {
      slots.wait()
      guard let (number, items) = try nextBatch() else { return }
      try finish(number, try worker(items))
    }
  }

  private func nextBatch() throws -> (Int, [Item])? {
    try taking.withLock { state in
      guard !state.isEnded else { return nil }
      let items: [Item]
      do { items = try take() } catch {
        state.isEnded = true
        throw error
      }
      guard !items.isEmpty else {
        state.isEnded = true
        return nil
      }
      defer { state.nextNumber += 1 }
      return (state.nextNumber, items)
    }
  }

  /// Consumes a batch, and those that waited for it, or leaves it to the thread whose turn it is.
  private func finish(_ number: Int, _ products: [Product]) throws {
    turns.withLock { $0.ready[number] = products }
    while let batch = nextTurn() {
      do { try consume(batch) } catch {
        turns.withLock { $0.isConsuming = false }
        throw error
      }
      turns.withLock { state in
        state.next += 1
        state.isConsuming = false
      }
      slots.signal()
    }
  }

  private func nextTurn() -> [Product]? {
    turns.withLock { state in
      guard !state.isConsuming, state.failure == nil,
        let batch = state.ready.removeValue(forKey: state.next)
      else { return nil }
      state.isConsuming = true
      return batch
    }
  }

  private func fail(_ error: any Error) {
    turns.withLock { $0.failure = $0.failure ?? error }
    taking.withLock { $0.isEnded = true }
  }
}
