import Checkpoint
import Decoding
import Engine
import HTTPCore
import Imaging
import Inference
import Machine
import Telemetry

/// Serves the requests that one worker thread takes from the queue: decodes, runs, answers. Belongs
/// to that thread.
///
/// Requests take turns image by image: if others wait, one with more images goes back to the end of
/// the queue after each. Slow images continue outside (`Worker+Aside`), so that waiting requests
/// are served meanwhile. It keeps nothing of a deployment between batches, so that a former one
/// goes with its last job.
final class Worker {
  let number: Int
  let context: WorkerContext
  /// Decoder that only this thread uses.
  let decoder: any ImageDecoder
  private let pulse: WorkerPulse
  /// Images that are prepared to run, by place.
  var prepared: [(served: ServedJob, image: Int)] = []
  /// Requests that a canary has failed and that did not ask for it.
  private var handedOver: [ClassificationJob] = []
  /// Question for the live model when these requests are answered.
  var comparison: Comparison?
  /// Number of requests in hand that are left to others.
  var leftCount = 0
  /// Time spent on requests that have gone back to the queue.
  private var unfinishedTime = Duration.zero

  init(_ number: Int, _ context: WorkerContext, _ pulse: WorkerPulse) {
    self.number = number
    self.context = context
    self.pulse = pulse
    decoder = context.serving.decoders.makeDecoder()
  }

  /// Serves until the queue is closed and empty.
  func run() {
    while let jobs = context.queue.take(worker: number) {
      pulse.step()
      let start = ContinuousClock.now
      let backCount = serve(jobs)
      unfinishedTime += .now - start
      if jobs.count > backCount {
        context.rate.record(count: jobs.count - backCount, in: unfinishedTime)
        unfinishedTime = .zero
      }
      pulse.step()
      compare()
      pulse.rest()
    }
  }

  /// Serves jobs of one deployment, and returns how many have gone back to the queue.
  private func serve(_ jobs: [ClassificationJob]) -> Int {
    guard let slot = jobs.first?.deployment.slot(of: number) else { return 0 }
    var open = jobs.compactMap { begin($0) }
    while !open.isEmpty {
      prepareRound(&open, slot)
      runPrepared(slot, isAlone: jobs.count == 1)
      open.removeAll { !$0.hasNext || !$0.isWanted }
      if !open.isEmpty, context.queue.takeableCount > 0 {
        for served in open { goBack(served) }
        break
      }
    }
    let backCount = open.count + leftCount
    leftCount = 0
    serveHandedOver()
    return backCount
  }

  /// Begins or resumes a job. Returns nil if it is answered already, or left to another thread.
  private func begin(_ job: ClassificationJob) -> ServedJob? {
    guard job.isWanted else { return nil }
    if let progress = job.progress { return progress }
    if job.content.takesLongToRead(), leave(job) { return nil }
    do throws(Problem) {
      let served = try ServedJob(
        job, limits: context.serving.limits, memory: context.serving.memory,
        live: context.traffic.live)
      // Another model's turn: this one is a canary that cannot answer the body's parameters.
      guard served.job.deployment === job.deployment else {
        leftCount += 1
        goBack(served)
        return nil
      }
      return served
    } catch {
      job.respond(error)
      return nil
    }
  }

  func goBack(_ served: ServedJob) {
    var job = served.job
    job.progress = served
    context.queue.putBack(
      job, of: job.deployment.group, byteCount: job.content.byteCount,
      priority: job.parameters.priority)
  }

  /// Has the live model answer them, which hands nothing over.
  private func serveHandedOver() {
    guard !handedOver.isEmpty else { return }
    let live = context.traffic.live
    var jobs: [ClassificationJob] = []
    for var job in handedOver {
      do throws(Problem) {
        job.admission = try Admission(job.parameters, live)
        if job.pending.replace(job) { jobs.append(job) }
      } catch {
        // Already counted as the canary's.
        job.reject(error)
      }
    }
    handedOver = []
    _ = serve(jobs)
  }

  /// Prepares the next image of each request, and further ones until a batch is full if nobody else
  /// waits.
  private func prepareRound(_ open: inout [ServedJob], _ slot: WorkerSlot) {
    var turnCount = open.count
    while !open.isEmpty, prepared.count < slot.classifier.capacity,
      turnCount > 0 || context.queue.takeableCount == 0
    {
      let served = open.removeFirst()
      turnCount -= 1
      guard served.hasNext, served.isWanted else { continue }
      if prepareNext(served, slot) { open.append(served) }
    }
  }

  /// Prepares the next image. Returns false if the request is no longer with this worker.
  private func prepareNext(_ served: ServedJob, _ slot: WorkerSlot) -> Bool {
    pulse.step()
    if let (index, result) = served.takeDecoded() {
      finish(served, index, result.map { slot.classifier.prepare($0, at: prepared.count) })
      return true
    }
    if served.holdsTensors { return prepareTensor(served, slot) }
    var hasPlace = served.job.isSlow && context.queue.beginAside()
    if served.job.isSlow, !hasPlace {
      postpone(served, slot)
      return false
    }
    let mustStay = served.mustStay
    let (index, image) = served.takeNext(
      pixelCountLimit: context.serving.limits.requestPixelCountLimit)
    let bytes: ArraySlice<UInt8>
    do throws(Problem) {
      bytes = try image.get()
    } catch {
      if hasPlace { context.queue.endAside() }
      served.finish(index, .failure(error))
      return true
    }
    let start = ContinuousClock.now
    let patience = context.patience.patience(byteCount: bytes.count, isSlow: hasPlace, at: start)
    do throws(DecodingFailure) {
      let unfinished = try slot.classifier.begin(
        bytes, at: prepared.count, by: decoder, until: served.job.deadline,
        patience: mustStay ? nil : patience.duration)
      if let unfinished {
        let mayLeave = hasPlace
        hasPlace = false
        let isHere = try goOn(
          unfinished, served, index, slot, since: start, patience, hasPlace: mayLeave)
        guard isHere else { return false }
      }
      served.decoded(since: start)
      finish(served, index, .success(()))
    } catch .noRoom where !hasPlace && context.queue.awaitAside() {
      served.putBack(index)
      served.becomeSlow()
      postpone(served, slot)
      return false
    } catch {
      served.decoded(since: start)
      finish(served, index, .failure(error))
    }
    if hasPlace { context.queue.endAside() }
    return true
  }

  /// Prepares the next image of a request that has them preprocessed already.
  private func prepareTensor(_ served: ServedJob, _ slot: WorkerSlot) -> Bool {
    let start = ContinuousClock.now
    let (index, numbers) = served.takeNumbers()
    switch numbers {
    case .success(let numbers):
      slot.classifier.prepare(numbers, at: prepared.count)
      served.decoded(since: start)
      prepared.append((served, index))
    case .failure(let problem): served.finish(index, .failure(problem))
    }
    return true
  }

  /// Notes that an image is prepared in the next place, or will never be.
  func finish(_ served: ServedJob, _ index: Int, _ result: Result<Void, DecodingFailure>) {
    switch result {
    case .success: prepared.append((served, index))
    case .failure(let failure):
      switch failure {
      case .image(.refusedByContract), .image(.channels):
        noteForComparison(served, image: index, found: nil)
      default: break
      }
      served.finish(index, .failure(Problem(failure)))
    }
  }

  /// Runs the prepared images that are still wanted, on all cores if the request is alone in the
  /// server.
  func runPrepared(_ slot: WorkerSlot, isAlone: Bool) {
    pulse.step()
    dropUnwanted(slot)
    guard let metrics = prepared.first?.served.job.deployment.metrics else { return }
    defer { prepared.removeAll(keepingCapacity: true) }
    let start = ContinuousClock.now
    do throws(EngineError) {
      let results = try outputs(slot, isAlone: isAlone)
      metrics.batchSize.observe(prepared.count, NoLabels())
      record(from: start, to: .now)
      for (place, ((served, image), result)) in zip(prepared, results).enumerated() {
        finish(served, image, result, slot.classifier.outputs(at: place))
      }
    } catch {
      for (served, _) in prepared { fail(served, error) }
    }
  }

  private func outputs(
    _ slot: WorkerSlot, isAlone: Bool
  ) throws(EngineError) -> [ImageOutput?] {
    let count = prepared.count
    let inner = prepared.reduce(into: InnerOutputs()) {
      $0.formUnion($1.served.job.parameters.innerOutputs)
    }
    let start = ContinuousClock.now
    guard isAlone, slot.classifier.hasTeam, slot.trust.prefersTeam(),
      context.queue.beginTeam(worker: number)
    else {
      defer { if count == 1 { slot.trust.record(alone: .now - start) } }
      return try slot.classifier.run(count: count, with: inner)
    }
    defer {
      context.queue.endTeam()
      slot.trust.record(onTeam: (.now - start) / count)
    }
    return try slot.classifier.run(
      count: count, onTeamUntil: start + slot.trust.patience * count, with: inner)
  }

  /// Answers those that waited too long or hung up, and closes the gaps they leave.
  private func dropUnwanted(_ slot: WorkerSlot) {
    var kept = 0
    for place in prepared.indices where prepared[place].served.isWanted {
      if kept < place {
        slot.classifier.move(place, to: kept)
        prepared[kept] = prepared[place]
      }
      kept += 1
    }
    prepared.removeLast(prepared.count - kept)
  }

  /// Adds the time of a run to the inference time of each request whose images took part in it.
  private func record(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
    for (place, (served, _)) in prepared.enumerated()
    where !prepared[..<place].contains(where: { $0.served === served }) {
      served.ran(from: start, to: end)
    }
  }

  private func finish(
    _ served: ServedJob, _ image: Int, _ output: ImageOutput?,
    _ logits: @autoclosure () -> ArraySlice<Float>
  ) {
    guard served.isWanted else { return }
    guard let output, served.finish(image, output, logits: logits()) else {
      guard !served.holdsTensors else {
        // Whoever sends numbers can send such as no image has.
        served.finish(image, .failure(.overflowing))
        return
      }
      fail(served, Classifier.notFinite, as: .notFinite)
      return
    }
    noteForComparison(served, image: image, found: Ranking.best(output.numbers))
  }

  /// Fails a request, or leaves it to the live model if it did not ask for the canary that failed
  /// it.
  ///
  /// Clients that know nothing of a canary must not suffer from it.
  private func fail(
    _ served: ServedJob, _ error: EngineError, as outcome: ClassificationOutcome = .failed
  ) {
    guard served.isWanted else { return }
    context.serving.log.write(
      "inference failed", as: .error,
      [
        "error": .text(error.description), "id": .text(served.job.identity.id),
        "version": .text(served.job.deployment.model.version.short),
      ])
    guard served.job.admission.canary != nil, !served.job.admission.isExplicit else {
      served.fail(outcome)
      return
    }
    if served.handOver(outcome) { handedOver.append(served.job) }
  }
}

/// An image that a canary was asked about, for the live model to be asked as well.
struct Comparison: Sendable {
  let canary: Canary
  let image: ArraySlice<UInt8>
  /// The canary's most likely class, or nil if its contract refuses the image.
  let found: Int?
}
