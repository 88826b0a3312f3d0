package import Decoding
package import Engine
import HTTPCore
import Inference
package import Machine
import Synchronization
package import Telemetry

/// Threads that take requests from the queue and answer them, each request by the deployment that it was admitted to.
///
/// The threads stay for the life of the process; what is live is exchanged beneath them.
package final class WorkerPool: Sendable {
  /// Of every deployment, for each worker has a slot there.
  package let workerCount: Int
  /// Who decodes, for workers and for candidates.
  let decoders: any DecoderSource
  /// Why no image can be decoded any more; nil while it can.
  var decodingFault: String? { decoders.fault }
  /// Looks for which a server without decoders goes on, so that balancers see that it is not ready.
  private static let lookLimitWithoutDecoders = 3
  /// Where requests go.
  package let traffic: Traffic
  private let servingMetrics: ServingMetrics
  private let queue: AdmissionQueue<ClassificationJob>
  private let rate = ServiceRate()
  private let threads = Mutex<[WorkerThread]>([])
  let pending: PendingRequests
  /// What everything that is served is taken from.
  let memory: MemoryBudget
  private let pulses: [WorkerPulse]
  private let watch = PoolWatch()
  private let releaseMemory = Mutex<ReleaseMemory?>(nil)
  /// Callers of `withoutTeams`.
  private let teamlessCount = Mutex(0)
  private let watched: Mutex<Watched>

  /// In a structure, for a closure in a generic type is wrapped anew whenever it is read.
  private struct ReleaseMemory {
    let run: @Sendable () -> Void
  }

  /// What the looks at workers and memory go by.
  private struct Watched {
    var stall: StallWatch
    var memoryReturn = MemoryReturn()
    var finding = StallWatch.Finding.allMove
    var lookCountWithoutDecoders = 0
  }

  /// Starts the threads for the plan of the first deployment.
  package init(
    _ first: Deployment, limits: ServingLimits, metrics: ServingMetrics, log: Log,
    decoders: any DecoderSource = LocalDecoders(),
    memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46),
    whenLost: @escaping @Sendable (StallWatch.Finding) -> Void = { _ in }
  ) throws(EngineError) {
    self.decoders = decoders
    self.memory = memory
    let plan = first.model.plan
    workerCount = plan.workers
    traffic = Traffic(first, metrics: metrics, log: log)
    servingMetrics = metrics
    var line = AdmissionQueue<ClassificationJob>.Line.Limits(
      count: limits.queueCountLimit, bytes: limits.queueByteLimit)
    line.workers = plan.workers
    line.delay = plan.maxQueueDelay
    queue = AdmissionQueue(line)
    let context = WorkerContext(
      limits: limits, log: log, queue: queue, traffic: traffic, rate: rate,
      servingMetrics: metrics, decoders: decoders, memory: memory)
    pending = PendingRequests(traffic, metrics)
    pulses = (0..<plan.workers).map { _ in WorkerPulse() }
    watched = Mutex(
      Watched(
        stall: StallWatch(
          workerCount: plan.workers, noticeLimit: limits.requestTimeout,
          endLimit: limits.stallTimeout)))
    for (number, pulse) in pulses.enumerated() {
      guard let thread = WorkerThread({ Worker(number, context, pulse).run() }) else {
        close()
        throw .outOfMemory(doing: "starting worker \(number)")
      }
      threads.withLock { $0.append(thread) }
    }
    guard let thread = WorkerThread({ [weak self] in Self.watch(self, whenLost) }) else {
      close()
      throw .outOfMemory(doing: "starting the thread that watches the workers")
    }
    threads.withLock { $0.append(thread) }
  }

  /// Takes nothing more and returns when the workers have answered what was waiting and ended.
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

  /// What requests are admitted to now.
  package var live: Deployment { traffic.live }

  /// Admits requests to `next` from now on and ends a canary; those before are answered by what they were admitted to.
  ///
  /// Returns what was live; its memory goes with its last request.
  @discardableResult
  package func exchange(for next: Deployment) -> Deployment {
    traffic.exchange(for: next).former
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

  /// Throws what to answer where a request like this would not be taken, before its body is read.
  func check(byteCount: Int, priority: Priority) throws(Problem) {
    guard queue.isFull(byteCount: byteCount, priority: priority) else { return }
    servingMetrics.rejected(.queueFull)
    throw full
  }

  /// Nil when the job was taken, perhaps in the place of others of low priority; else what to answer.
  func submit(_ job: ClassificationJob) -> Problem? {
    pending.add(job)
    guard
      let pushedOut = queue.offer(
        job, of: job.deployment.group, byteCount: job.content.byteCount,
        priority: job.parameters.priority)
    else {
      pending.withdraw(job)
      servingMetrics.rejected(.queueFull)
      return full
    }
    watch.wake()
    for job in pushedOut {
      servingMetrics.rejected(.queueFull)
      job.reject(full.response)
    }
    return nil
  }

  private var full: Problem {
    let seconds = rate.retryAfterSeconds(queued: queue.count, workers: workerCount)
    return Problem(
      429, .queueFull, "the queue is full; try again in \(seconds) s", retryAfterSeconds: seconds)
  }

  // MARK: Watching

  /// Answers what is late at this time or whose client has gone, and takes it out of the queue.
  package func sweep(at now: ContinuousClock.Instant) {
    guard pending.sweep(at: now) else { return }
    // Let go of outside the queue's lock: one of them may hold the last reference to a model.
    _ = queue.remove { !$0.isOpen }
  }

  /// Requests that have no answer yet.
  package var pendingCount: Int { pending.count }

  /// What the last look at the workers has found.
  package var stall: StallWatch.Finding { watched.withLock(\.finding) }

  /// Looks at decoders, at the workers and at the process's memory, so long after the last look.
  package func look(after interval: Duration) -> StallWatch.Finding {
    if let fault = decoders.fault {
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

  /// Whether nothing waits, is served or arrives.
  private var isIdle: Bool { queue.isQuiet && memory.usedByteCount(for: .bodies) == 0 }

  /// Has memory given back that is kept for requests, where none has come for a while.
  package func whenIdle(_ release: @escaping @Sendable () -> Void) {
    releaseMemory.withLock { $0 = ReleaseMemory(run: release) }
  }

  /// On a thread of its own: it may take a while, and deadlines do not wait.
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

  /// Keeps no reference to the pool while it sleeps.
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
