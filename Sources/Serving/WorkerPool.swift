package import Engine
import HTTPCore
import Synchronization
package import Telemetry

/// Threads that take requests from the queue as the model's plan says, and answer them.
package final class WorkerPool: Sendable {
  package let model: LiveModel
  let metrics: ModelMetrics
  private let servingMetrics: ServingMetrics
  private let queue: AdmissionQueue<ClassificationJob>
  private let rate = ServiceRate()
  private let threads = Mutex<[WorkerThread]>([])

  /// Contexts are made before any thread starts, so that too little memory shows here.
  package init(
    _ model: LiveModel, limits: ServingLimits, metrics: ServingMetrics, log: Log
  ) throws(EngineError) {
    self.model = model
    self.metrics = ModelMetrics(model)
    servingMetrics = metrics
    var line = AdmissionQueue<ClassificationJob>.Line.Limits(
      count: limits.queueCountLimit, bytes: limits.queueByteLimit)
    line.batch = model.plan.maxBatch
    line.workers = model.plan.workers
    line.delay = model.plan.maxQueueDelay
    queue = AdmissionQueue(line)
    let around = Worker.Surroundings(
      model: model, limits: limits, log: log, queue: queue, rate: rate,
      metrics: self.metrics, servingMetrics: metrics)
    var workers: [WorkerHandover] = []
    for number in 0..<model.plan.workers {
      workers.append(WorkerHandover(try Worker(number, around)))
    }
    for (number, worker) in workers.enumerated() {
      guard let thread = WorkerThread({ worker.take().run() }) else {
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
  }

  package var queuedCount: Int { queue.count }

  /// Nil when the job was taken, perhaps in the place of others of low priority; else what to answer.
  func submit(_ job: ClassificationJob) -> Problem? {
    guard
      let pushedOut = queue.offer(
        job, byteCount: job.request.body.count, priority: job.parameters.priority)
    else {
      servingMetrics.rejected(.queueFull)
      return full
    }
    for job in pushedOut {
      servingMetrics.rejected(.queueFull)
      job.respond(full.response)
    }
    return nil
  }

  private var full: Problem {
    let seconds = rate.retryAfterSeconds(queued: queue.count, workers: model.plan.workers)
    return Problem(
      429, "queue-full", "the queue is full; try again in \(seconds) s", retryAfterSeconds: seconds)
  }
}

/// Carries a worker into the thread that it belongs to from then on.
private final class WorkerHandover: @unchecked Sendable {
  private var worker: Worker?

  init(_ worker: Worker) { self.worker = worker }

  func take() -> Worker {
    guard let taken = worker else { preconditionFailure("a worker is handed over once") }
    worker = nil
    return taken
  }
}
