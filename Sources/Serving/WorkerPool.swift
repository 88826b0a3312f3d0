package import Decoding
package import Engine
import HTTPCore
import Synchronization
package import Telemetry

/// Threads that take requests from the queue and answer them, each request by the deployment that it was admitted to.
///
/// The threads stay for the life of the process; what is live is exchanged beneath them.
package final class WorkerPool: Sendable {
  /// Of every deployment, for each worker has a seat there.
  package let workerCount: Int
  /// Who decodes, for workers and for candidates.
  let decoders: any DecoderSource
  /// Why no image can be decoded any more; nil while it can.
  var decodingFault: String? { decoders.fault }
  /// Where requests go.
  package let traffic: Traffic
  private let servingMetrics: ServingMetrics
  private let queue: AdmissionQueue<ClassificationJob>
  private let rate = ServiceRate()
  private let threads = Mutex<[WorkerThread]>([])

  /// Starts the threads for the plan of the first deployment.
  package init(
    _ first: Deployment, limits: ServingLimits, metrics: ServingMetrics, log: Log,
    decoders: any DecoderSource = LocalDecoders()
  ) throws(EngineError) {
    self.decoders = decoders
    let plan = first.model.plan
    workerCount = plan.workers
    traffic = Traffic(first, metrics: metrics, log: log)
    servingMetrics = metrics
    var line = AdmissionQueue<ClassificationJob>.Line.Limits(
      count: limits.queueCountLimit, bytes: limits.queueByteLimit)
    line.workers = plan.workers
    line.delay = plan.maxQueueDelay
    queue = AdmissionQueue(line)
    let around = Worker.Surroundings(
      limits: limits, log: log, queue: queue, traffic: traffic, rate: rate,
      servingMetrics: metrics, decoders: decoders)
    for number in 0..<plan.workers {
      guard let thread = WorkerThread({ Worker(number, around).run() }) else {
        close()
        throw .outOfMemory(doing: "starting worker \(number)")
      }
      threads.withLock { $0.append(thread) }
    }
  }

  /// Takes nothing more and returns when the workers have answered what was waiting and ended.
  package func close() {
    queue.close()
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
    queue.allowTeams(false)
    defer { queue.allowTeams(true) }
    return try body()
  }

  // MARK: Requests

  package var queuedCount: Int { queue.count }

  /// Nil when the job was taken, perhaps in the place of others of low priority; else what to answer.
  func submit(_ job: ClassificationJob) -> Problem? {
    guard
      let pushedOut = queue.offer(
        job, of: job.deployment.group, byteCount: job.request.body.count,
        priority: job.parameters.priority)
    else {
      servingMetrics.rejected(.queueFull)
      return full
    }
    for job in pushedOut {
      servingMetrics.rejected(.queueFull)
      job.turnAway(full.response)
    }
    return nil
  }

  private var full: Problem {
    let seconds = rate.retryAfterSeconds(queued: queue.count, workers: workerCount)
    return Problem(
      429, "queue-full", "the queue is full; try again in \(seconds) s", retryAfterSeconds: seconds)
  }
}
