import Decoding
import HTTPCore
import Inference
import JSON
import Time

/// A request from its first turn at a worker to its answer; belongs to the worker that has it, or to the queue.
final class ServedJob: @unchecked Sendable {
  private(set) var job: ClassificationJob
  let payload: ImagePayload
  private let queueTime: Duration
  /// By image; nil where it has yet to run.
  private var results: [Result<[Ranking.Entry], Problem>?]
  private var missingCount: Int
  /// The image whose turn is next.
  private var next = 0
  /// Of the images so far.
  private var pixelCount = 0
  private var hasEnded = false
  private var hasBegunAnew = false
  /// Whether its next image is not to be set aside.
  private(set) var mustStay = false
  var decodeTime = Duration.zero
  var inferenceTime = Duration.zero

  /// An image that another thread than a worker's has decoded, for the next turn.
  private var decoded: (image: Int, result: Result<UnfinishedImage, DecodingFailure>)?

  /// Throws what to answer where the body as a whole is unusable.
  init(_ job: ClassificationJob, _ context: WorkerContext) throws(Problem) {
    queueTime = .now - job.queuedAt
    job.deployment.metrics.spent(queueTime, on: .queue)
    payload = try job.content.payload(
      job.head, imageCountLimit: context.limits.imageCountLimit, memory: context.memory)
    self.job = job
    results = [Result<[Ranking.Entry], Problem>?](repeating: nil, count: payload.count)
    missingCount = payload.count
  }

  /// Whether there is more to do for it than is under way: an image that has not had its turn, or one to be run.
  var hasNext: Bool { decoded != nil || next < payload.count }

  /// The image whose turn it is, with its bytes or why there are none.
  func takeNext(pixelCountLimit: Int) -> (index: Int, bytes: Result<ArraySlice<UInt8>, Problem>) {
    let index = next
    next += 1
    mustStay = false
    do throws(Problem) {
      let bytes = try payload.image(index)
      let (sum, overflow) = pixelCount.addingReportingOverflow(StoredPixels.count(bytes) ?? 0)
      guard !overflow, sum <= pixelCountLimit else {
        throw .tooManyPixels(limit: pixelCountLimit)
      }
      pixelCount = sum
      return (index, .success(bytes))
    } catch {
      return (index, .failure(error))
    }
  }

  /// The image taken last has its turn once more.
  func putBack(_ index: Int) {
    precondition(index == next - 1 && results[index] == nil, "only the last image is put back")
    next = index
    if let count = try? StoredPixels.count(payload.image(index)) { pixelCount -= count }
  }

  /// Keeps what has become of an image, or why it has not.
  func keep(_ image: Int, _ result: Result<UnfinishedImage, DecodingFailure>) {
    decoded = (image, result)
  }

  func takeDecoded() -> (image: Int, result: Result<UnfinishedImage, DecodingFailure>)? {
    defer { decoded = nil }
    return decoded
  }

  /// Images like the one before are expected to take long too.
  func becomeSlow() { job.isSlow = true }

  /// Its next image can only be decoded by a worker's own decoder, however long that takes.
  func becomeTooLargeToLeave() {
    job.isSlow = false
    mustStay = true
  }

  /// The bytes of an image that was taken.
  func encodedImage(_ index: Int) -> ArraySlice<UInt8> { (try? payload.image(index)) ?? [] }

  /// Whether an image whose decoder somebody has killed may be begun anew: once for each request.
  func mayBeginAnew() -> Bool {
    defer { hasBegunAnew = true }
    return !hasBegunAnew
  }

  /// Whether there is still something to do for it; one that nobody waits for is answered so.
  var isWanted: Bool {
    if !hasEnded, !job.isWanted { end() }
    return !hasEnded
  }

  /// One of the images has its result; with the last the request is answered.
  func finish(_ index: Int, _ result: Result<[Ranking.Entry], Problem>) {
    precondition(results[index] == nil, "an image has one result")
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
    if !hasEnded { respond(Problem.internalError.response, as: outcome) }
  }

  /// Leaves the answer to another model, for this one has failed; false where there is one already.
  func handOver(_ outcome: ClassificationOutcome) -> Bool {
    guard !hasEnded else { return false }
    end()
    return job.pending.handOver(job, outcome)
  }

  private func answer(_ answer: ClassificationAnswer) throws(Problem) -> Response {
    let results = results.compactMap(\.self)
    let document =
      payload.isList
      ? answer.list(results.map { answer.item($0) })
      : answer.document(answer.item(.success(try results[0].get())))
    var response = Response(status: 200, contentType: "application/json", body: document.bytes)
    response.fields["Server-Timing"] = serverTiming
    return response
  }

  private func respond(_ response: Response, as outcome: ClassificationOutcome? = nil) {
    end()
    job.respond(response, as: outcome)
  }

  private func end() {
    hasEnded = true
    job.deployment.metrics.spent(decodeTime, on: .decode)
    // None of the images may have come so far.
    if inferenceTime > .zero { job.deployment.metrics.spent(inferenceTime, on: .inference) }
  }

  /// W3C Server Timing, in milliseconds.
  private var serverTiming: String {
    [("decode", decodeTime), ("queue", queueTime), ("inference", inferenceTime)]
      .map { "\($0.0);dur=\(Double($0.1.microseconds) / 1000)" }.joined(separator: ", ")
  }
}
