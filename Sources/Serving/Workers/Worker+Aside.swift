import Decoding
import Inference

/// Sets slow images aside: a thread of lower priority continues, and the request has its next turn
/// when that is done.
///
/// If all places are taken, the request waits for one and starts over.
extension Worker {
  /// Factor by which patience grows with an image that finds no place aside.
  private static let longPatienceFactor = 2
  /// Time between two looks for a free place.
  private static let interval = Duration.milliseconds(2)

  /// Continues an image that has outlasted the patience. Returns false if the request is no longer
  /// with this worker.
  func goOn(
    _ image: UnfinishedImage, _ served: ServedJob, _ index: Int, _ slot: WorkerSlot,
    since start: ContinuousClock.Instant, _ patience: ImagePatience.Grant, hasPlace: Bool
  ) throws(DecodingFailure) -> Bool {
    served.becomeSlow()
    settle(served, slot)
    var hasPlace = hasPlace
    let longPatience = patience.duration * Self.longPatienceFactor
    defer { context.patience.outlasted(patience, after: .now - start) }
    var isHopeless = false
    while served.isWanted {
      if hasPlace || context.queue.beginAside() {
        hasPlace = false
        if image.setAside() {
          // From here on the request belongs to the other thread.
          if leave(image, served, index, since: start) { return false }
        } else {
          isHopeless = context.queue.cannotSetAside()
        }
      }
      let isTooLong = isHopeless || .now - start >= longPatience
      if isTooLong, context.queue.takeableCount > 0, context.queue.asideCount > 0 {
        image.postpone()
        served.putBack(index)
        served.decoded(since: start)
        postpone(served, slot)
        return false
      }
      let progress: UnfinishedImage.Progress
      do throws(DecodingFailure) {
        progress = try image.wait(for: Self.interval)
      } catch {
        decoder.takeBack(image)
        throw error
      }
      switch progress {
      case .done:
        slot.classifier.prepare(image, at: prepared.count)
        decoder.takeBack(image)
        return true
      case .unfinished: continue
      case .killed where served.mayBeginAnew():
        served.putBack(index)
        served.decoded(since: start)
        goBack(served)
        leftCount += 1
        return false
      case .killed: throw .unavailable("the decoder was killed twice")
      }
    }
    if hasPlace { context.queue.endAside() }
    throw .deadline
  }

  /// Runs the prepared images of a request before another thread continues it.
  private func settle(_ served: ServedJob, _ slot: WorkerSlot) {
    guard prepared.contains(where: { $0.served === served }) else { return }
    let start = ContinuousClock.now
    runPrepared(slot, isAlone: false)
    // This time is not decoding.
    served.didNotDecode(for: .now - start)
  }

  func postpone(_ served: ServedJob, _ slot: WorkerSlot) {
    settle(served, slot)
    guard served.isWanted else { return }
    var job = served.job
    job.progress = served
    postpone(job)
  }

  private func postpone(_ job: ClassificationJob) {
    leftCount += 1
    context.queue.postpone(
      job, of: job.deployment.group, byteCount: job.content.byteCount,
      priority: job.parameters.priority)
  }

  /// Leaves an image to another thread. Returns false if there is no thread for it; the place is
  /// given back then.
  private func leave(
    _ image: UnfinishedImage, _ served: ServedJob, _ index: Int,
    since start: ContinuousClock.Instant
  ) -> Bool {
    let queue = context.queue
    return leave {
      do throws(DecodingFailure) {
        let bytes = served.encodedImage(index)
        switch try image.finish(bytes.span, while: { served.isWanted }) {
        case .done: served.keep(index, .success(image))
        case .unfinished:
          served.putBack(index)
          served.becomeTooLargeToLeave()
        case .killed where served.mayBeginAnew(): served.putBack(index)
        case .killed: throw .unavailable("the decoder was killed twice")
        }
      } catch {
        served.keep(index, .failure(error))
      }
      served.decoded(since: start)
      guard served.isWanted else {
        queue.endAside()
        return
      }
      var job = served.job
      job.progress = served
      queue.endAside(
        job, of: job.deployment.group, byteCount: job.content.byteCount,
        priority: job.parameters.priority)
    }
  }

  /// Has another thread find the images of a body. Returns false if this worker must do it.
  func leave(_ job: ClassificationJob) -> Bool {
    guard context.queue.beginAside() else {
      postpone(job)
      return true
    }
    let context = context
    return leave {
      var job = job
      do throws(Problem) {
        let served = try ServedJob(
          job, limits: context.serving.limits, memory: context.serving.memory,
          live: context.traffic.live)
        served.payload.decodeAll()
        job = served.job
        job.progress = served
        context.queue.endAside(
          job, of: job.deployment.group, byteCount: job.content.byteCount,
          priority: job.parameters.priority)
      } catch {
        job.respond(error)
        context.queue.endAside()
      }
    }
  }

  private func leave(_ work: @escaping @Sendable () -> Void) -> Bool {
    let thread = WorkerThread {
      // If the system refuses, it competes on equal terms.
      _ = WorkerThread.yield(to: UnfinishedImage.niceness)
      work()
    }
    guard let thread else {
      context.queue.endAside()
      return false
    }
    thread.detach()
    leftCount += 1
    return true
  }
}
