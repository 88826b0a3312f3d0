import Checkpoint
import HTTPCore
import HTTPServer
import Inference
import Synchronization

/// Registry that answers each job once, for whoever is first.
protocol AnswerRegistry: Sendable {
  /// Returns whether it has no answer yet.
  func isOpen(_ job: ClassificationJob) -> Bool

  /// Answers it unless it has an answer, and counts the outcome, if given, for its model.
  func answer(_ job: ClassificationJob, _ response: Response, _ outcome: ClassificationOutcome?)

  /// Leaves the answer to another model, since this one has failed. Returns false if there is an
  /// answer already.
  func handOver(_ job: ClassificationJob, _ outcome: ClassificationOutcome) -> Bool

  /// Replaces the job with one that belongs to another model. Returns false if there is an answer
  /// already.
  func replace(_ job: ClassificationJob) -> Bool

  /// Answers it if its deadline has passed or its client has gone.
  func expire(_ job: ClassificationJob, at now: ContinuousClock.Instant)
}

/// Requests that have no answer yet. Each is answered here once, by whoever is first: a worker, or
/// the deadline.
///
///     add ── worker: answer ──────────────┐
///      ├──── sweep: deadline has passed ──┼─ gone
///      └──── sweep: client has gone ──────┘
final class PendingRequests: AnswerRegistry {
  /// Interval at which deadlines are checked. A late request is answered within it, plus the time
  /// to wake up.
  static let sweepInterval = Duration.milliseconds(50)

  private let traffic: Traffic
  private let metrics: ServingMetrics
  /// Jobs by exchange.
  private let jobs = Mutex<[ObjectIdentifier: ClassificationJob]>([:])

  init(_ traffic: Traffic, _ metrics: ServingMetrics) {
    self.traffic = traffic
    self.metrics = metrics
  }

  var count: Int { jobs.withLock { $0.count } }

  func add(_ job: ClassificationJob) { jobs.withLock { $0[key(job)] = job } }

  /// Removes a job that the queue has refused; whoever offered it answers.
  func withdraw(_ job: ClassificationJob) { _ = claim(job) }

  func isOpen(_ job: ClassificationJob) -> Bool { jobs.withLock { $0[key(job)] != nil } }

  /// Counts the answer first, so that whoever has it finds it counted.
  func answer(
    _ job: ClassificationJob, _ response: Response, _ outcome: ClassificationOutcome?
  ) {
    guard claim(job) else { return }
    if let outcome { count(job, outcome) }
    respond(job, response, byItsModel: outcome != nil)
  }

  /// Leaves the answer to another model, since this one has failed. Returns false if there is an
  /// answer already.
  func handOver(_ job: ClassificationJob, _ outcome: ClassificationOutcome) -> Bool {
    guard isOpen(job) else { return false }
    count(job, outcome)
    return true
  }

  /// Replaces the job with one that belongs to another model. Returns false if there is an answer
  /// already.
  func replace(_ job: ClassificationJob) -> Bool {
    jobs.withLock { $0.updateValue(job, forKeyIfPresent: key(job)) }
  }

  /// Answers it if its deadline has passed or its client has gone.
  func expire(_ job: ClassificationJob, at now: ContinuousClock.Instant) {
    guard job.exchange.isCancelled || job.deadline <= now, claim(job) else { return }
    metrics.rejected(job.exchange.isCancelled ? .clientGone : .deadline)
    count(job, .late)
    respond(job, job.response(to: .deadline), byItsModel: true)
  }

  /// Answers all that are too late or whose client has gone. Returns whether there were any.
  func sweep(at now: ContinuousClock.Instant) -> Bool {
    let late = jobs.withLock { jobs in
      jobs.values.filter { $0.exchange.isCancelled || $0.deadline <= now }
    }
    for job in late { expire(job, at: now) }
    return !late.isEmpty
  }

  /// Removes the job and returns whether the caller is the one to answer.
  private func claim(_ job: ClassificationJob) -> Bool {
    // The job may hold the last reference to a model: do not release it under the lock.
    let claimed = jobs.withLock { $0.removeValue(forKey: key(job)) }
    return claimed != nil
  }

  /// Answers a job that has been claimed; the log names its model where that had a part in it.
  private func respond(_ job: ClassificationJob, _ response: Response, byItsModel: Bool) {
    var response = job.identity.marking(response)
    if byItsModel {
      let model = job.deployment.model
      response.notes.model = AnswerNotes.Model(name: model.name, version: model.version.short)
    }
    job.exchange.respond(response)
  }

  private func count(_ job: ClassificationJob, _ outcome: ClassificationOutcome) {
    guard job.collector == nil else { return }
    job.deployment.metrics.classified(outcome, after: .now - job.exchange.receivedAt)
    if let canary = job.admission.canary { traffic.record(outcome, of: canary) }
  }

  private func key(_ job: ClassificationJob) -> ObjectIdentifier { ObjectIdentifier(job.exchange) }
}

extension Dictionary {
  /// Updates a value, and returns whether there was one to replace.
  fileprivate mutating func updateValue(_ value: Value, forKeyIfPresent key: Key) -> Bool {
    guard let index = index(forKey: key) else { return false }
    values[index] = value
    return true
  }
}
