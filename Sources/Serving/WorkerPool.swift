package import Engine
import HTTPCore
import HTTPServer
import Imaging
import Synchronization
package import Telemetry

/// Threads that take requests from the queue, one worker per core, and answer them.
package final class WorkerPool: Sendable {
  package let model: LiveModel
  package let workerCount: Int
  private let limits: ServingLimits
  private let log: Log
  private let queue: AdmissionQueue<ClassificationJob>
  private let rate = ServiceRate()
  private let threads = Mutex<[WorkerThread]>([])

  /// Contexts are made before any thread starts, so that too little memory shows here.
  package init(
    _ model: LiveModel, workerCount: Int, limits: ServingLimits, log: Log
  ) throws(EngineError) {
    self.model = model
    self.workerCount = workerCount
    self.limits = limits
    self.log = log
    queue = AdmissionQueue(
      countLimit: limits.queueCountLimit, byteLimit: limits.queueByteLimit)
    var classifiers: [ClassifierHandover] = []
    for _ in 0..<workerCount {
      let classifier = try Classifier(model, limits: limits.decoding)
      try classifier.warmUp()
      classifiers.append(ClassifierHandover(classifier))
    }
    for (index, classifier) in classifiers.enumerated() {
      guard let thread = WorkerThread({ [self] in work(classifier.take()) }) else {
        close()
        throw .outOfMemory(doing: "starting worker \(index)")
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

  /// Nil when the job was taken; else what to answer.
  func submit(_ job: ClassificationJob) -> Problem? {
    if queue.offer(job, byteCount: job.request.body.count) { return nil }
    let seconds = rate.retryAfterSeconds(queued: queue.count, workers: workerCount)
    return Problem(
      429, "queue-full", "the queue is full; try again in \(seconds) s", retryAfterSeconds: seconds)
  }

  private func work(_ classifier: Classifier) {
    while let job = queue.take() {
      // Work that nobody waits for costs nothing.
      if job.exchange.isCancelled {
        job.respond(Problem.deadline.response)
        continue
      }
      let start = ContinuousClock.now
      job.respond(answer(job, classifier, start))
      rate.record(.now - start)
    }
  }

  private func answer(
    _ job: ClassificationJob, _ classifier: Classifier, _ start: ContinuousClock.Instant
  ) -> Response {
    guard start < job.deadline else { return Problem.deadline.response }
    do throws(Problem) {
      let payload = try ImagePayload(job.request, imageCountLimit: limits.imageCountLimit)
      let (results, times) = try classify(payload, job, classifier)
      guard ContinuousClock.now < job.deadline else { throw .deadline }
      let answer = ClassificationAnswer(model)
      let text: String
      if payload.isList {
        text = answer.list(results.map { answer.item($0) })
      } else {
        text = answer.document(answer.item(.success(try results[0].get())))
      }
      var response = Response(status: 200, contentType: "application/json", text: text)
      response.fields["Server-Timing"] = Self.serverTiming(times, queue: start - job.queuedAt)
      return response
    } catch {
      return error.response
    }
  }

  private func classify(
    _ payload: ImagePayload, _ job: ClassificationJob, _ classifier: Classifier
  ) throws(Problem) -> ([Result<[Ranking.Entry], Problem>], Classifier.Times) {
    let encoded = payload.images.compactMap { try? $0.get() }
    let classified: (results: [Result<[Float], ImagingError>], times: Classifier.Times)
    do throws(EngineError) {
      classified = try classifier.classify(encoded)
    } catch {
      log.write(
        "inference failed", ["error": .text(error.description), "id": .text(job.identity.id)])
      throw .internalError
    }
    var remaining = classified.results[...]
    let count = job.parameters.topK ?? min(ClassificationParameters.defaultTopK, model.labels.count)
    let results = payload.images.map { image -> Result<[Ranking.Entry], Problem> in
      if case .failure(let problem) = image { return .failure(problem) }
      return remaining.removeFirst().mapError(Problem.init).map {
        Ranking.top($0, count: count, minimum: job.parameters.minimumProbability)
      }
    }
    return (results, classified.times)
  }

  /// W3C Server Timing, in milliseconds.
  private static func serverTiming(_ times: Classifier.Times, queue: Duration) -> String {
    [("decode", times.decode), ("queue", queue), ("inference", times.inference)]
      .map { "\($0.0);dur=\(Double($0.1.microseconds) / 1000)" }.joined(separator: ", ")
  }
}

/// Carries a classifier into the thread that it belongs to from then on.
private final class ClassifierHandover: @unchecked Sendable {
  private var classifier: Classifier?

  init(_ classifier: Classifier) { self.classifier = classifier }

  func take() -> Classifier {
    guard let taken = classifier else { preconditionFailure("a classifier is handed over once") }
    classifier = nil
    return taken
  }
}
