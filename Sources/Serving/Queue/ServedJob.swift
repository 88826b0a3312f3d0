import Decoding
import HTTPCore
import HTTPServer
import Inference
import JSON
import Machine
import Time

/// A request from its first turn at a worker to its answer; belongs to the worker that has it, or
/// to the queue.
final class ServedJob: @unchecked Sendable {
  private(set) var job: ClassificationJob
  let payload: ImagePayload
  private let queue: TimedStage
  private var decode: TimedStage?
  private var inference: TimedStage?
  /// Time within the decoding in progress that was spent on something else.
  private var otherTime = Duration.zero
  /// Results by image; nil until an image has run.
  private var results: [Result<Ranking, Problem>?]
  private var missingCount: Int
  /// The image whose turn is next.
  private var next = 0
  /// Pixels of the images so far.
  private var pixelCount = 0
  private var hasEnded = false
  private var hasBegunAnew = false
  /// Whether its next image must not be set aside.
  private(set) var mustStay = false

  /// An image that a thread other than a worker's has decoded, for the next turn.
  private var decoded: (image: Int, result: Result<UnfinishedImage, DecodingFailure>)?

  /// What the request wants beside the classes, of the images that have run.
  private var inner: [InnerAnswer]
  /// Memory for it and for its part of the answer, and for classes beyond those of usual answers.
  private let answerMemory: Reservation?

  /// Bytes of a number of it: the number, its text of at most 16 characters with the comma, and the
  /// same again while the answer grows.
  private static let innerByteCount = 4 + 2 * 16
  /// Classes in an answer up to which nothing is reserved for them.
  private static let usualClassCount = 1000
  /// Bytes of a class in an answer while it is made, beside those of its names.
  private static let classByteCount = 512

  /// Answer to an inference of the Open Inference Protocol; nil for any other request.
  private let inferenceAnswer: InferenceAnswer?
  /// What an inference is answered with, by image.
  private var outputs: [InferenceAnswer.Numbers?]
  /// Memory for that, for the answer and for one image's numbers.
  private let outputMemory: Reservation?
  private let memory: MemoryBudget

  /// Throws the problem to answer with if the body as a whole is unusable.
  ///
  /// - Parameter live: The deployment that answers if a canary cannot answer the parameters in the
  ///   body.
  init(
    _ job: ClassificationJob, limits: ServingLimits, memory: MemoryBudget,
    live: @autoclosure () -> Deployment
  ) throws(Problem) {
    queue = TimedStage("queue", from: job.queuedAt, to: .now)
    self.memory = memory
    if job.collector == nil { job.deployment.metrics.spent(queue.busy, on: .queue) }
    payload = try job.content.payload(
      imageCountLimit: job.content.dialect.imageCountLimit(limits), memory: memory)
    var admitted = job
    // The parameters of a collector are its own.
    if job.collector == nil {
      admitted.admission = try job.admission.adding(payload.parameters, orBy: live())
    }
    inferenceAnswer = try Self.inference(payload, admitted.deployment.model)
    answerMemory =
      inferenceAnswer == nil
      ? try Self.answerMemory(admitted, imageCount: payload.count, limits, memory) : nil
    outputMemory = try Self.outputMemory(inferenceAnswer, payload.count, limits, memory)
    self.job = admitted
    // The one that answers is the one that is counted.
    if admitted.deployment !== job.deployment { _ = job.pending.replace(admitted) }
    results = [Result<Ranking, Problem>?](repeating: nil, count: payload.count)
    inner = [InnerAnswer](repeating: InnerAnswer(), count: payload.count)
    outputs = [InferenceAnswer.Numbers?](
      repeating: nil, count: inferenceAnswer == nil ? 0 : payload.count)
    missingCount = payload.count
  }

  private static func answerMemory(
    _ job: ClassificationJob, imageCount: Int, _ limits: ServingLimits, _ memory: MemoryBudget
  ) throws(Problem) -> Reservation? {
    let model = job.deployment.model
    let numbers = InnerNumbers(job.parameters, model)
    // The factors have limits whose products do not overflow.
    let count = imageCount * numbers.count
    guard count <= limits.requestFeatureLimit else {
      throw numbers.tooMany(of: imageCount, limit: limits.requestFeatureLimit)
    }
    let answered = job.parameters.answeredCount(of: model)
    let classCount = imageCount * answered
    guard classCount <= limits.requestClassLimit else {
      throw .tooManyClasses(
        of: imageCount, each: answered, limit: limits.requestClassLimit)
    }
    var byteCount = count * innerByteCount
    if classCount > usualClassCount {
      let longest = model.labels.lazy.map(\.utf8.count).max() ?? 0
      byteCount += classCount * (classByteCount + 4 * longest)
    }
    guard byteCount > 0 else { return nil }
    guard let reservation = memory.reserve(byteCount, use: .bodies) else { throw .overloaded }
    return reservation
  }

  private static func inference(
    _ payload: ImagePayload, _ model: CompiledModel
  ) throws(Problem) -> InferenceAnswer? {
    guard let request = payload.inference else { return nil }
    return try InferenceAnswer(request, payload.tensors, model)
  }

  private static func outputMemory(
    _ answer: InferenceAnswer?, _ imageCount: Int, _ limits: ServingLimits,
    _ memory: MemoryBudget
  ) throws(Problem) -> Reservation? {
    guard let answer else { return nil }
    let byteCount = try answer.byteCount(imageCount: imageCount, limit: limits.requestOutputLimit)
    guard let reservation = memory.reserve(byteCount, use: .bodies) else { throw .overloaded }
    return reservation
  }

  /// Whether there is more to do than is in progress: an image that has not had its turn, or a
  /// decoded one to run.
  var hasNext: Bool { decoded != nil || next < payload.count }

  /// Takes the image whose turn it is, with its bytes or the reason why there are none.
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

  /// Whether its images are preprocessed already.
  var holdsTensors: Bool { payload.holdsTensors }

  /// Takes the numbers of the image whose turn it is, `[C, H, W]`, or the reason why there are none.
  func takeNumbers() -> (index: Int, numbers: Result<[Float], Problem>) {
    let index = next
    next += 1
    do throws(Problem) {
      return (index, .success(try payload.numbers(index)))
    } catch {
      return (index, .failure(error))
    }
  }

  /// Gives the image taken last its turn once more.
  func putBack(_ index: Int) {
    precondition(index == next - 1 && results[index] == nil, "only the last image is put back")
    next = index
    if let count = try? StoredPixels.count(payload.image(index)) { pixelCount -= count }
  }

  /// Keeps a decoded image, or the reason why it could not be decoded.
  func keep(_ image: Int, _ result: Result<UnfinishedImage, DecodingFailure>) {
    decoded = (image, result)
  }

  func takeDecoded() -> (image: Int, result: Result<UnfinishedImage, DecodingFailure>)? {
    defer { decoded = nil }
    return decoded
  }

  /// Expects the next images to be slow, like the one before.
  func becomeSlow() { job.isSlow = true }

  /// Leaves the next image to a worker's own decoder, however long that takes.
  func becomeTooLargeToLeave() {
    job.isSlow = false
    mustStay = true
  }

  /// Returns the bytes of an image that was taken.
  func encodedImage(_ index: Int) -> ArraySlice<UInt8> { (try? payload.image(index)) ?? [] }

  /// Returns whether an image whose decoder was killed may start over: once for each request.
  func mayBeginAnew() -> Bool {
    defer { hasBegunAnew = true }
    return !hasBegunAnew
  }

  /// Whether there is still something to do for it. If nobody waits for it, it is answered as
  /// expired.
  var isWanted: Bool {
    if !hasEnded, !job.isWanted { end() }
    return !hasEnded
  }

  /// Records the outputs of an image that has run. Returns false if they lack what the request wants
  /// beside its classes.
  ///
  /// - Parameter logits: The same as the network gives them.
  func finish(
    _ index: Int, _ output: ImageOutput, logits: @autoclosure () -> ArraySlice<Float>
  ) -> Bool {
    guard inferenceAnswer == nil else {
      outputs[index] = InferenceAnswer.Numbers(values: output.numbers, logits: Array(logits()))
      finish(index, .success(Ranking()))
      return true
    }
    let (parameters, model) = (job.parameters, job.deployment.model)
    let ranking = Ranking(
      output.numbers, by: model.output, count: parameters.answeredCount(of: model),
      minimum: parameters.minimumProbability)
    guard let inner = InnerAnswer(output, parameters.innerOutputs, for: ranking, model) else {
      return false
    }
    finish(index, .success(ranking), inner)
    return true
  }

  /// Records the result of an image. The last one answers the request; of an inference, so does the
  /// first failure.
  func finish(
    _ index: Int, _ result: Result<Ranking, Problem>, _ inner: InnerAnswer = InnerAnswer()
  ) {
    precondition(results[index] == nil, "an image has one result")
    results[index] = result.mapError { payload.explaining($0, index) }
    self.inner[index] = inner
    missingCount -= 1
    if inferenceAnswer != nil, isWanted, case .failure(let problem)? = results[index] {
      return respond(problem)
    }
    guard missingCount == 0, isWanted else { return }
    if let collector = job.collector {
      collector.collect(
        FeatureCollector.Collected(
          results: self.results.compactMap(\.self), features: self.inner.map(\.features),
          payload: payload))
      respond(Response(status: 204))
      return
    }
    do throws(Problem) {
      var response = try answer()
      response.fields["Server-Timing"] = serverTiming
      respond(response)
    } catch {
      respond(error)
    }
  }

  /// Answers with an internal error, if the request as a whole cannot be answered otherwise.
  func fail(_ outcome: ClassificationOutcome) {
    if !hasEnded { respond(.internalError, as: outcome) }
  }

  /// Leaves the answer to another model, since this one has failed. Returns false if there is an
  /// answer already.
  func handOver(_ outcome: ClassificationOutcome) -> Bool {
    guard !hasEnded else { return false }
    end()
    return job.pending.handOver(job, outcome)
  }

  private func answer() throws(Problem) -> Response {
    if let inferenceAnswer { return inferenceAnswer.response(outputs.compactMap(\.self)) }
    let results = results.compactMap(\.self)
    let answer = ClassificationAnswer(
      job.deployment.model, withFeatures: job.parameters.wantsFeatures)
    guard job.content.dialect == .classification else {
      return answer.prediction(try results[0].get())
    }
    let document =
      payload.isList
      ? answer.list(zip(results, inner).map { answer.item($0, inner: $1) })
      : answer.document(answer.item(.success(try results[0].get()), inner: inner[0]))
    return Response(status: 200, contentType: "application/json", body: document.line)
  }

  private func respond(_ response: Response) {
    end()
    var coded = response.coded(job.identity.coding, memory: memory)
    coded.stages = stages
    job.respond(coded)
  }

  private func respond(_ problem: Problem, as outcome: ClassificationOutcome? = nil) {
    end()
    job.respond(problem, as: outcome, stages: stages)
  }

  private func end() {
    hasEnded = true
    guard job.collector == nil else { return }
    job.deployment.metrics.spent(decode?.busy ?? .zero, on: .decode)
    // Perhaps none of the images has run.
    if let inference { job.deployment.metrics.spent(inference.busy, on: .inference) }
  }

  // MARK: Times

  /// Adds a turn at decoding that ends now.
  func decoded(since start: ContinuousClock.Instant) {
    Self.add("decode", from: start, to: .now, to: &decode)
    decode?.subtract(otherTime)
    otherTime = .zero
  }

  /// Takes time out of the decoding in progress that was spent on something else.
  func didNotDecode(for time: Duration) { otherTime += time }

  /// Adds a run of the network that images of this request took part in.
  func ran(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
    Self.add("inference", from: start, to: end, to: &inference)
  }

  private static func add(
    _ name: String, from start: ContinuousClock.Instant, to end: ContinuousClock.Instant,
    to stage: inout TimedStage?
  ) {
    if stage == nil {
      stage = TimedStage(name, from: start, to: end)
    } else {
      stage?.add(from: start, to: end)
    }
  }

  private var stages: [TimedStage] { [queue, decode, inference].compactMap(\.self) }

  /// The value of `Server-Timing` (W3C), in milliseconds.
  private var serverTiming: String {
    let times = [
      ("decode", decode?.busy ?? .zero), ("queue", queue.busy),
      ("inference", inference?.busy ?? .zero),
    ]
    return times.map { "\($0.0);dur=\(Double($0.1.microseconds) / 1000)" }
      .joined(separator: ", ")
  }
}
