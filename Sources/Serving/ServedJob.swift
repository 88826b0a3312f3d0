import HTTPCore

/// A request while a worker is at it; belongs to that worker.
final class ServedJob {
  let job: ClassificationJob
  let images: [Result<ArraySlice<UInt8>, Problem>]
  private let isList: Bool
  private let around: Worker.Surroundings
  private let queueTime: Duration
  /// By picture; nil where it has yet to run.
  private var results: [Result<[Ranking.Entry], Problem>?]
  private var missingCount: Int
  private(set) var isAnswered = false
  var decodeTime = Duration.zero
  var inferenceTime = Duration.zero

  /// Throws what to answer where the body as a whole is unusable.
  init(_ job: ClassificationJob, _ around: Worker.Surroundings) throws(Problem) {
    queueTime = .now - job.queuedAt
    job.deployment.metrics.spent(queueTime, on: .queue)
    let payload = try ImagePayload(
      job.request, imageCountLimit: around.limits.imageCountLimit)
    self.job = job
    self.around = around
    images = payload.images
    isList = payload.isList
    results = images.map { _ in nil }
    missingCount = images.count
  }

  /// Whether there is still something to do for it; one that nobody waits for is answered so.
  var isWanted: Bool {
    if !isAnswered, !job.isWanted {
      around.servingMetrics.rejected(job.rejection)
      respond(Problem.deadline.response)
    }
    return !isAnswered
  }

  /// One of the pictures has its result; with the last the request is answered.
  func finish(_ index: Int, _ result: Result<[Ranking.Entry], Problem>) {
    precondition(results[index] == nil, "a picture has one result")
    results[index] = result
    missingCount -= 1
    guard missingCount == 0, isWanted else { return }
    do throws(Problem) {
      respond(try answer(ClassificationAnswer(job.deployment.model)))
    } catch {
      respond(error.response)
    }
  }

  /// The request as a whole cannot be answered otherwise.
  func fail(_ outcome: ClassificationOutcome) {
    if !isAnswered { respond(Problem.internalError.response, as: outcome) }
  }

  /// Leaves the answer to another model, for this one has failed.
  func handOver(_ outcome: ClassificationOutcome) {
    guard !isAnswered else { return }
    end()
    job.count(outcome, around.traffic)
  }

  private func answer(_ answer: ClassificationAnswer) throws(Problem) -> Response {
    let results = results.compactMap(\.self)
    let text =
      isList
      ? answer.list(results.map { answer.item($0) })
      : answer.document(answer.item(.success(try results[0].get())))
    var response = Response(status: 200, contentType: "application/json", text: text)
    response.fields["Server-Timing"] = serverTiming
    return response
  }

  private func respond(_ response: Response, as outcome: ClassificationOutcome? = nil) {
    end()
    job.respond(response, as: outcome, around.traffic)
  }

  private func end() {
    isAnswered = true
    job.deployment.metrics.spent(decodeTime, on: .decode)
    // None of the pictures may have come so far.
    if inferenceTime > .zero { job.deployment.metrics.spent(inferenceTime, on: .inference) }
  }

  /// W3C Server Timing, in milliseconds.
  private var serverTiming: String {
    [("decode", decodeTime), ("queue", queueTime), ("inference", inferenceTime)]
      .map { "\($0.0);dur=\(Double($0.1.microseconds) / 1000)" }.joined(separator: ", ")
  }
}
