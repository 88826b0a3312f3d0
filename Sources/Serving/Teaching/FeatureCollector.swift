import Dispatch
import HTTPCore
import HTTPServer
import Inference
import Synchronization
import Time

/// Receiver of the features of a request's images, and the thread that waits for them.
///
/// The images are decoded and run by the workers as those of any request: within the memory budget,
/// in the decoders' sandbox, until the deadline. They are of low priority, but have one turn for each
/// look of the waiting thread, so that a server that is never idle comes to them as well.
final class FeatureCollector: Sendable {
  /// What became of the images; belongs to whoever takes it.
  struct Collected: @unchecked Sendable {
    let results: [Result<Ranking, Problem>]
    let features: [[Float]?]
    let payload: ImagePayload
  }

  /// Time between two looks.
  private static let interval = Duration.milliseconds(50)

  private let collected = Mutex<Collected?>(nil)
  private let refusal = Mutex<Problem?>(nil)
  private let response = Mutex<Response?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// Called by the worker that has finished the last image, before it answers.
  func collect(_ collected: Collected) { self.collected.withLock { $0 = collected } }

  /// Called by whoever finds that the body is unusable, before that is answered.
  func refuse(_ problem: Problem) { refusal.withLock { $0 = problem } }

  /// Runs images through a deployment, on a thread that may wait.
  ///
  /// - Parameter isAbandoned: Whether whoever sent them has gone.
  /// - Throws: The problem that the request would have been answered with.
  static func run(
    _ content: RequestContent, by deployment: Deployment, in pool: WorkerPool,
    _ identity: RequestIdentity, until deadline: ContinuousClock.Instant,
    isAbandoned: () -> Bool
  ) throws(Problem) -> Collected {
    let collector = FeatureCollector()
    var parameters = ClassificationParameters()
    parameters.features = true
    parameters.priority = .low
    let exchange = Exchange(receivedAt: .now)
    var job = ClassificationJob(
      content: content, admission: try Admission(parameters, deployment), identity: identity,
      exchange: exchange, deadline: deadline, queuedAt: .now, pending: pool.pending)
    job.collector = collector
    if let problem = pool.submit(job) { throw problem }
    let early = exchange.handlerReturned { response in
      collector.response.withLock { $0 = response }
      collector.done.signal()
    }
    if let early {
      collector.response.withLock { $0 = early }
    } else {
      while !collector.done.wait(for: interval) {
        if isAbandoned() { exchange.cancel() }
        pool.hasten(collector)
      }
    }
    if let collected = collector.collected.withLock({ $0.take() }) { return collected }
    throw collector.problem
  }

  /// Problem that the request was answered with.
  private var problem: Problem {
    if let refusal = refusal.withLock({ $0 }) { return refusal }
    let answer = response.withLock(\.self)
    return switch answer?.status {
    case 504: .deadline
    case 429:
      Problem(429, .queueFull, "the queue is full; try again later", retryAfterSeconds: 1)
    default: .internalError
    }
  }
}
