import Dispatch
package import Engine
import Glibc
package import Imaging
package import Inference
package import Machine
import Synchronization

/// A model ready to serve: compiled, with what each worker computes with. Made aside while another one serves.
///
/// A request holds the deployment that it was admitted to until it is answered; the last of them lets go what a former
/// one takes.
@safe package final class Deployment: Sendable {
  package let metrics: ModelMetrics
  /// Who put it in place, for people.
  package let by: String
  /// Images to try a candidate on that brings none.
  let images: [[UInt8]]
  /// Entered while the memory of a former deployment is given back; one for all that follow each other.
  private let releases: DispatchGroup
  /// 0 while it has not been live.
  private let since = Atomic(0)
  private let endsWithTraffic = Atomic(false)
  // SAFETY: holds one reference, which `deinit` hands on. A strong property would be let go behind `deinit`, and whoever
  // came last of the two would free the memory: the worker, or the thread that is made to spare it.
  private let contents: Unmanaged<Contents>

  /// Runs every batch size on the calling thread, without a team: worker 0, the one woken for a lone request, has the
  /// only one in the process.
  ///
  /// - Parameters:
  ///   - live: What it may take the place of.
  ///   - reservation: Its part of the memory budget, which was estimated; becomes what it takes.
  ///   - isCancelled: Asked between all runs; true ends it with `EngineError.cancelled`.
  package init(
    _ model: CompiledModel, images: [[UInt8]] = [], metrics: ServingMetrics,
    decoding: DecodingLimits, by: String, beside live: Deployment? = nil,
    reservation: Reservation? = nil, unless isCancelled: @Sendable () -> Bool = { false }
  ) throws(EngineError) {
    if let reservation, !reservation.resize(to: MemoryEstimate.byteCount(of: model)) {
      throw .outOfMemory(
        doing:
          "keeping the model: it takes \(MemoryEstimate.byteCount(of: model)) bytes, more than "
          + "the memory budget has left")
    }
    releases = live?.releases ?? DispatchGroup()
    self.metrics = metrics.model(model.version)
    self.by = by
    self.images = Self.kept(images)
    var slots: [WorkerSlot] = []
    for number in 0..<model.plan.workers {
      slots.append(
        try WorkerSlot(
          Classifier(model, limits: decoding, team: number == 0 && model.plan.threads > 1),
          unless: isCancelled))
    }
    unsafe contents = .passRetained(Contents(model, slots, reservation))
    // The plain weights, and a copy of each layer while it was packed.
    OneDNN.returnFreedMemory()
  }

  /// Gives the memory back on a thread of its own: whoever lets go last may be a worker in the middle of traffic.
  deinit {
    releases.enter()
    let letGo = { @Sendable [releases, contents = unsafe contents] in
      unsafe contents.release()
      OneDNN.returnFreedMemory()
      releases.leave()
    }
    if !endsWithTraffic.load(ordering: .relaxed), let thread = WorkerThread(letGo) {
      thread.detach()
    } else {
      letGo()
    }
  }

  package var model: CompiledModel { unsafe contents.takeUnretainedValue().model }

  /// Waits, but not long, until former deployments are gone: a process should not end in the middle of that.
  package func awaitReleases() { _ = releases.wait(timeout: .now() + Self.releasePatience) }

  private static let releasePatience = DispatchTimeInterval.seconds(1)

  /// Traffic has ended: whoever lets go may take the time, and the process waits for it.
  func endWithTraffic() { endsWithTraffic.store(true, ordering: .relaxed) }

  /// Of those that a model brings, which may be many and large.
  private static let imageCountLimit = 8
  private static let imageByteLimit = 4 << 20

  private static func kept(_ images: [[UInt8]]) -> [[UInt8]] {
    var byteCount = 0
    return Array(
      images.prefix(imageCountLimit).prefix { image in
        byteCount += image.count
        return byteCount <= imageByteLimit
      })
  }

  /// When it became live, in seconds since 1970; nil before.
  package var liveSince: Int? {
    let seconds = since.load(ordering: .relaxed)
    return seconds == 0 ? nil : seconds
  }

  func becameLive() { since.store(time(nil), ordering: .relaxed) }

  /// To be used by that worker's thread only.
  func slot(of worker: Int) -> WorkerSlot { unsafe contents.takeUnretainedValue().slots[worker] }

  /// What makes up a batch.
  var group: WorkGroup {
    .init(id: Int(bitPattern: ObjectIdentifier(self)), batch: model.plan.maxBatch)
  }
}

/// What of a deployment takes memory.
private final class Contents: @unchecked Sendable {
  let model: CompiledModel
  // Each is used by its worker's thread only, once the deployment is handed to the workers.
  let slots: [WorkerSlot]
  private let reservation: Reservation?

  init(_ model: CompiledModel, _ slots: [WorkerSlot], _ reservation: Reservation?) {
    self.model = model
    self.slots = slots
    self.reservation = reservation
  }
}
