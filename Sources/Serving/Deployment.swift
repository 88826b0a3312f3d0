import Dispatch
package import Engine
import Glibc
package import Imaging
import Synchronization

/// A model ready to serve: compiled, with what each worker computes with. Made aside while another one serves.
///
/// A request holds the deployment that it was admitted to until it is answered; the last of them lets go what a former
/// one takes.
package final class Deployment: Sendable {
  package let model: LiveModel
  package let metrics: ModelMetrics
  /// Who put it in place, for people.
  package let by: String
  /// Pictures to try a candidate on that brings none.
  let pictures: [[UInt8]]
  /// 0 while it has not been live.
  /// Entered while the memory of a former deployment is given back; one for all that follow each other.
  private let departures: DispatchGroup
  private let since = Atomic(0)
  private let endsWithTraffic = Atomic(false)
  // SAFETY: each is used by its worker's thread only, once this is handed to the workers.
  private nonisolated(unsafe) let seats: [Seat]

  /// Runs every batch size on the calling thread, without a team: worker 0, the one woken for a lone request, has the
  /// only one in the process.
  ///
  /// - Parameter live: What it may take the place of.
  package init(
    _ model: LiveModel, pictures: [[UInt8]] = [], metrics: ServingMetrics,
    decoding: DecodingLimits, by: String, beside live: Deployment? = nil
  ) throws(EngineError) {
    self.model = model
    departures = live?.departures ?? DispatchGroup()
    self.metrics = metrics.model(model.version)
    self.by = by
    self.pictures = Self.kept(pictures)
    var seats: [Seat] = []
    for number in 0..<model.plan.workers {
      seats.append(
        try Seat(
          Classifier(model, limits: decoding, team: number == 0 && model.plan.threads > 1)))
    }
    unsafe self.seats = seats
  }

  /// Gives the memory back on a thread of its own: whoever lets go last may be a worker in the middle of traffic.
  deinit {
    let remains = unsafe Remains(model, seats)
    departures.enter()
    let letGo = { @Sendable [departures] in
      remains.letGo()
      departures.leave()
    }
    if !endsWithTraffic.load(ordering: .relaxed), let thread = WorkerThread(letGo) {
      thread.detach()
    } else {
      letGo()
    }
  }

  /// Waits, but not long, until former deployments are gone: a process should not end in the middle of that.
  package func awaitDepartures() { _ = departures.wait(timeout: .now() + Self.departurePatience) }

  private static let departurePatience = DispatchTimeInterval.seconds(1)

  /// Traffic has ended: whoever lets go may take the time, and the process waits for it.
  func endWithTraffic() { endsWithTraffic.store(true, ordering: .relaxed) }

  /// Of those that a model brings, which may be many and large.
  private static let pictureCountLimit = 8
  private static let pictureByteLimit = 4 << 20

  private static func kept(_ pictures: [[UInt8]]) -> [[UInt8]] {
    var byteCount = 0
    return Array(
      pictures.prefix(pictureCountLimit).prefix { picture in
        byteCount += picture.count
        return byteCount <= pictureByteLimit
      })
  }

  /// When it became live, in seconds since 1970; nil before.
  package var liveSince: Int? {
    let seconds = since.load(ordering: .relaxed)
    return seconds == 0 ? nil : seconds
  }

  func becameLive() { since.store(time(nil), ordering: .relaxed) }

  /// To be used by that worker's thread only.
  func seat(of worker: Int) -> Seat { unsafe seats[worker] }

  /// What makes up a batch.
  var group: AdmissionQueue<ClassificationJob>.Line.Group {
    .init(id: Int(bitPattern: ObjectIdentifier(self)), batch: model.plan.maxBatch)
  }
}

/// The memory of a deployment that nobody uses any more.
private final class Remains: @unchecked Sendable {
  private var model: LiveModel?
  private var seats: [Seat]

  init(_ model: LiveModel, _ seats: [Seat]) {
    self.model = model
    self.seats = seats
  }

  /// Called once.
  func letGo() {
    seats = []
    model = nil
    OneDNN.returnFreedMemory()
  }
}
