import Decoding
import Dispatch
package import Engine
import HTTPCore
import Inference
import Machine
import Synchronization

/// Threads that take requests from the queue and answer them, each by the deployment that it was
/// admitted to.
///
/// The threads stay for the life of the process; the live model is swapped beneath them.
package final class WorkerPool: Sendable {
  /// Number of workers; every deployment has a slot for each.
  package let workerCount: Int
  let context: ServingContext
  /// The reason why no image can be decoded any more, or nil while it can.
  var decodingFault: String? { context.decoders.fault }
  /// Looks for which a server without decoders stays up, so that balancers see that it is not
  /// ready.
  private static let lookLimitWithoutDecoders = 3
  /// Traffic that requests are distributed by.
  package let traffic: Traffic
  private let queue: AdmissionQueue<ClassificationJob>
  private let rate = ServiceRate()
  private let threads = Mutex<[WorkerThread]>([])
  let pending: PendingRequests
  private let pulses: [WorkerPulse]
  private let watch = PoolWatch()
  private let releaseMemory = Mutex<ReleaseMemory?>(nil)
  /// Number of callers in `withoutTeams`.
  private let teamlessCount = Mutex(0)
  private let watched: Mutex<Watched>

  /// A struct, since a closure in a generic type is wrapped anew at every read.
  private struct ReleaseMemory {
    let run: @Sendable () -> Void
  }

  /// State of the looks at workers and memory.
  private struct Watched {
    var stall: StallWatch
    var memoryReturn = MemoryReturn()
    var finding = StallWatch.Finding.allMove
    var lookCountWithoutDecoders = 0
  }

  /// Starts the threads for the plan of the first deployment.
  package init(
    _ first: Deployment, _ context: ServingContext,
    whenLost: @escaping @Sendable (StallWatch.Finding) -> Void = { _ in }
  ) throws(EngineError) {
    self.context = context
    let limits = context.limits
    let plan = first.model.plan
    workerCount = plan.workers
    traffic = Traffic(first, metrics: context.metrics, log: context.log)
    var line = AdmissionQueue<ClassificationJob>.Line.Limits(
      count: limits.queueCountLimit, bytes: limits.queueByteLimit)
    line.workers = plan.workers
    line.delay = plan.maxQueueDelay
    queue = AdmissionQueue(line)
    let shared = WorkerContext(serving: context, queue: queue, traffic: traffic, rate: rate)
    pending = PendingRequests(traffic, context.metrics)
    pulses = (0..<plan.workers).map { _ in WorkerPulse() }
    watched = Mutex(
      Watched(
        stall: StallWatch(
          workerCount: plan.workers, noticeLimit: limits.requestTimeout,
          endLimit: limits.stallTimeout)))
    // Each has taken its decoder's memory before anybody is told how much is left.
    let begun = DispatchSemaphore(value: 0)
    for (number, pulse) in pulses.enumerated() {
      let thread = WorkerThread {
        let worker = Worker(number, shared, pulse)
        begun.signal()
        worker.run()
      }
      guard let thread else {
        close()
        throw .outOfMemory(doing: "starting worker \(number)")
      }
      threads.withLock { $0.append(thread) }
    }
    for _ in pulses { begun.wait() }
    guard let thread = WorkerThread({ [weak self] in Self.watch(self, whenLost) }) else {
      close()
      throw .outOfMemory(doing: "starting the thread that watches the workers")
    }
    threads.withLock { $0.append(thread) }
  }

  /// Accepts no more requests, and returns when the workers have answered the waiting ones and
  /// ended.
  package func close() {
    queue.close()
    watch.end()
    let running = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in running { thread.join() }
    traffic.close()
  }

  // MARK: What is live

  /// The deployment that requests are admitted to now.
  package var live: Deployment { traffic.live }

  /// Admits requests to `next` from now on and ends a canary. Earlier ones stay with the deployment
  /// that admitted them.
  ///
  /// Returns the former deployment; its memory goes with its last request.
  @discardableResult
  package func swap(to next: Deployment) -> Deployment {
    traffic.swap(to: next).former
  }

  /// Leaves a core to `body`: lone images run on one thread until it returns.
  func withoutTeams<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    teamlessCount.withLock { count in
      count += 1
      queue.allowTeams(false)
    }
    defer {
      teamlessCount.withLock { count in
        count -= 1
        if count == 0 { queue.allowTeams(true) }
      }
    }
    return try body()
  }

  // MARK: Requests

  package var queuedCount: Int { queue.count }

  /// Throws the problem to answer with if a request like this would not be taken, before its body
  /// is read.
  func check(byteCount: Int, priority: Priority) throws(Problem) {
    guard queue.isFull(byteCount: byteCount, priority: priority) else { return }
    context.metrics.rejected(.queueFull)
    throw full
  }

  /// Returns nil if the job was taken, perhaps in place of others of low priority, or else the
  /// problem to answer with.
  func submit(_ job: ClassificationJob) -> Problem? {
    pending.add(job)
    guard
      let pushedOut = queue.offer(
        job, of: job.deployment.group, byteCount: job.content.byteCount,
        priority: job.parameters.priority)
    else {
      pending.withdraw(job)
      context.metrics.rejected(.queueFull)
      return full
    }
    watch.wake()
    for job in pushedOut {
      context.metrics.rejected(.queueFull)
      job.reject(full)
    }
    return nil
  }

  /// Gives the job of a collector a turn among other requests, if it still waits.
  func hasten(_ collector: FeatureCollector) { queue.hasten { $0.collector === collector } }

  private var full: Problem {
    let seconds = rate.retryAfterSeconds(queued: queue.count, workers: workerCount)
    return Problem(
      429, .queueFull, "the queue is full; try again in \(seconds) s", retryAfterSeconds: seconds)
  }

  // MARK: Watching

  /// Answers requests that are late at this time or whose client has gone, and removes them from
  /// the queue.
  package func sweep(at now: ContinuousClock.Instant) {
    guard pending.sweep(at: now) else { return }
    // Released outside the queue's lock: one of them may hold the last reference to a model.
    _ = queue.remove { !$0.isOpen }
  }

  /// Number of requests that have no answer yet.
  package var pendingCount: Int { pending.count }

  /// Finding of the last look at the workers.
  package var stall: StallWatch.Finding { watched.withLock(\.finding) }

  /// Looks at decoders, workers and the process's memory, this long after the last look.
  package func look(after interval: Duration) -> StallWatch.Finding {
    if let fault = decodingFault {
      return watched.withLock { watched in
        watched.lookCountWithoutDecoders += 1
        return watched.lookCountWithoutDecoders > Self.lookLimitWithoutDecoders
          ? .withoutDecoders(fault) : watched.finding
      }
    }
    let steps = pulses.map(\.current)
    let (resident, isIdle) = (MemoryAllowance.resident, isIdle)
    let (finding, returns) = watched.withLock { watched in
      watched.finding = watched.stall.look(at: steps, after: interval)
      guard let resident else { return (watched.finding, false) }
      let returns = watched.memoryReturn.look(
        resident: resident, isIdle: isIdle, after: interval)
      if returns { watched.memoryReturn.begin() }
      return (watched.finding, returns)
    }
    if returns { returnFreedMemory() }
    return finding
  }

  /// Whether no request waits, is served or arrives.
  private var isIdle: Bool { queue.isQuiet && context.memory.usedByteCount(for: .bodies) == 0 }

  /// Sets how to release memory that is kept for requests, once none has arrived for a while.
  package func whenIdle(_ release: @escaping @Sendable () -> Void) {
    releaseMemory.withLock { $0 = ReleaseMemory(run: release) }
  }

  /// Gives freed memory back on a thread of its own: it may take a while, and deadlines do not
  /// wait.
  private func returnFreedMemory() {
    let wasIdle = isIdle
    if wasIdle { releaseMemory.withLock { $0 }?.run() }
    let thread = WorkerThread { [weak self] in
      OneDNN.returnFreedMemory()
      guard let self, let left = MemoryAllowance.resident else { return }
      let isIdle = wasIdle && isIdle
      watched.withLock { $0.memoryReturn.returned(resident: left, isIdle: isIdle) }
    }
    thread?.detach()
  }

  /// Watches the pool, and keeps no reference to it while asleep.
  private static func watch(
    _ pool: @autoclosure () -> WorkerPool?, _ whenLost: (StallWatch.Finding) -> Void
  ) {
    guard let watch = pool()?.watch else { return }
    watch.run {
      guard let pool = pool() else { return false }
      pool.sweep(at: .now)
      return pool.pendingCount > 0
    } look: { interval in
      guard let found = pool()?.look(after: interval) else { return }
      switch found {
      case .lost, .withoutDecoders: whenLost(found)
      case .allMove, .stalled: break
      }
    }
  }
}
