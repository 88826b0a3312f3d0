import Dispatch
package import Engine
import Glibc
package import Inference
package import Machine
import Synchronization

/// A model that is ready to serve: compiled, with a slot for each worker. Made while another one
/// serves.
///
/// A request holds the deployment that it was admitted to until it is answered. The last one
/// releases the memory of a former deployment.
@safe package final class Deployment: Sendable {
  package let metrics: ModelMetrics
  /// Name of who put it in place, for people.
  package let by: String
  /// Images to try on a candidate that brings none.
  let images: [[UInt8]]
  /// Group entered while a former deployment's memory is given back; shared by all successors.
  private let releases: DispatchGroup
  /// Seconds since 1970 at which it became live, or 0 before.
  private let since = Atomic(0)
  private let endsWithTraffic = Atomic(false)
  // SAFETY: holds one reference, which `deinit` hands on. A strong property would be released after
  // `deinit`, and whichever of the two came last would free the memory: the worker, or the thread
  // that spares it that.
  private let contents: Unmanaged<Contents>

  /// Prepares the slots, running every batch size on the calling thread, without a team.
  ///
  /// Worker 0, which is woken for a lone request, has the only team in the process.
  ///
  /// - Parameters:
  ///   - live: The deployment whose place it may take.
  ///   - reservation: Its part of the memory budget, which was estimated; resized to its actual
  ///     size.
  ///   - isCancelled: Called between all runs; true ends it with `EngineError.cancelled`.
  package init(
    _ model: CompiledModel, _ context: ServingContext, images: [[UInt8]] = [], by: String,
    beside live: Deployment? = nil, reservation: Reservation? = nil,
    unless isCancelled: @Sendable () -> Bool = { false }
  ) throws(EngineError) {
    if let reservation, !reservation.resize(to: MemoryEstimate.byteCount(of: model)) {
      throw .outOfMemory(
        doing:
          "keeping the model: it takes \(MemoryEstimate.byteCount(of: model)) bytes, more than "
          + "the memory budget has left")
    }
    releases = live?.releases ?? DispatchGroup()
    metrics = context.metrics.model(model.version)
    self.by = by
    self.images = Self.kept(images)
    var slots: [WorkerSlot] = []
    for number in 0..<model.plan.workers {
      slots.append(
        try WorkerSlot(
          Classifier(
            model, limits: context.limits.decoding,
            team: number == 0 && model.plan.threads > 1),
          unless: isCancelled))
    }
    unsafe contents = .passRetained(Contents(model, slots, reservation))
    // Frees the plain weights, and a copy of each layer made while it was packed.
    OneDNN.returnFreedMemory()
  }

  /// Gives the memory back on a thread of its own: the last to release it may be a worker under
  /// load.
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

  /// Waits briefly until former deployments are gone: a process should not end while they go.
  package func awaitReleases() { _ = releases.wait(timeout: .now() + Self.releasePatience) }

  private static let releasePatience = DispatchTimeInterval.seconds(1)

  /// Notes that traffic has ended: now the last release may take its time, and the process waits
  /// for it.
  func endWithTraffic() { endsWithTraffic.store(true, ordering: .relaxed) }

  /// Limits of the images that a model brings, which may be many and large.
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

  /// Time at which it became live, in seconds since 1970, or nil before.
  package var liveSince: Int? {
    let seconds = since.load(ordering: .relaxed)
    return seconds == 0 ? nil : seconds
  }

  func becameLive() { since.store(time(nil), ordering: .relaxed) }

  /// Returns the slot of a worker, for that worker's thread only.
  func slot(of worker: Int) -> WorkerSlot { unsafe contents.takeUnretainedValue().slots[worker] }

  /// Group of requests that can share a batch.
  var group: WorkGroup {
    .init(id: Int(bitPattern: ObjectIdentifier(self)), batch: model.plan.maxBatch)
  }
}

/// The parts of a deployment that take memory.
private final class Contents: @unchecked Sendable {
  let model: CompiledModel
  // Each is used only by its worker's thread, once the deployment is handed to the workers.
  let slots: [WorkerSlot]
  private let reservation: Reservation?

  init(_ model: CompiledModel, _ slots: [WorkerSlot], _ reservation: Reservation?) {
    self.model = model
    self.slots = slots
    self.reservation = reservation
  }
}
