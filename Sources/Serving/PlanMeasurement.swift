import Engine
import Synchronization

/// How fast a compiled network runs in the ways that a plan can choose between; a short time for each.
struct PlanMeasurement {
  /// For one way of running, in the time of one image on one thread.
  private static let imageCount = 20.0
  private static let leastTime = Duration.milliseconds(8)
  private static let mostTime = Duration.milliseconds(150)
  /// Batches of which the fastest counts, unless they take several times what was expected.
  private static let leastCount = 3

  let network: CompiledNetwork

  private struct Tally {
    var imagesPerSecond = 0.0
    var failure: EngineError?
  }

  /// Images per second of so many workers side by side, each running batches on one thread.
  ///
  /// Of each worker its fastest batch counts: what else the machine did meanwhile slows only the others.
  func imagesPerSecond(batch: Int, workers: Int, image: Duration) throws(EngineError) -> Double {
    let tally = Mutex(Tally())
    let line = StartLine(workers)
    let network = network
    let areStarted = WorkerThread.runSideBySide(workers) { _ in
      do throws(EngineError) {
        var runner = try Self.runner(network, batch, team: false, arriving: line)
        line.wait()
        let seconds = try Self.fastest(&runner, expecting: image * batch, image) / .seconds(1)
        tally.withLock { $0.imagesPerSecond += Double(batch) / seconds }
      } catch {
        tally.withLock { $0.failure = error }
      }
    }
    guard areStarted else { throw .outOfMemory(doing: "starting \(workers) workers") }
    let result = tally.withLock(\.self)
    if let failure = result.failure { throw failure }
    return result.imagesPerSecond
  }

  /// The time of one image on the calling thread alone.
  func lone() throws(EngineError) -> Duration {
    var runner = try Runner(network, batch: 1, team: false)
    let first = try runner.time()
    return try Self.fastest(&runner, expecting: first, first)
  }

  /// The time of one image on the network's team, with its threads' coming and going.
  func onTeam(image: Duration) throws(EngineError) -> Duration {
    var runner = try Runner(network, batch: 1, team: true)
    let first = try runner.time()
    // Another program has a core: a team waits for its slowest thread, so it will not pay.
    guard first < image * 2 + Self.leastTime else { return first }
    return try Self.fastest(&runner, expecting: image, image)
  }

  /// Ready to run; arrives whatever happens, so that no other waits for ever.
  private static func runner(
    _ network: CompiledNetwork, _ batch: Int, team: Bool, arriving line: StartLine
  ) throws(EngineError) -> Runner {
    defer { line.arrive() }
    var runner = try Runner(network, batch: batch, team: team)
    _ = try runner.time()
    return runner
  }

  private static func fastest(
    _ runner: inout Runner, expecting run: Duration, _ image: Duration
  ) throws(EngineError) -> Duration {
    let wanted = min(max(leastTime, image * imageCount), mostTime)
    let most = max(wanted, run * leastCount) * 2
    let start = ContinuousClock.now
    var fastest = try runner.time()
    var count = 1
    while true {
      let elapsed = ContinuousClock.now - start
      if elapsed >= most || elapsed >= wanted && count >= leastCount { return fastest }
      fastest = min(fastest, try runner.time())
      count += 1
    }
  }
}

/// A context with pictures to run on it.
private struct Runner {
  /// 0.75 in fp32 and bf16, half the range in signed bytes.
  private static let byte: UInt8 = 0x3f

  private let context: ExecutionContext
  private let batch: Int
  private let team: Bool
  private let input: [UInt8]
  private var logits: [Float]

  init(_ network: CompiledNetwork, batch: Int, team: Bool) throws(EngineError) {
    context = try ExecutionContext(network, team: team)
    self.batch = batch
    self.team = team
    input = [UInt8](repeating: Self.byte, count: batch * network.inputByteCount)
    logits = [Float](repeating: 0, count: batch * network.outputCount)
  }

  /// Runs one batch.
  mutating func time() throws(EngineError) -> Duration {
    let (context, batch, team, input) = (context, batch, team, input)
    let start = ContinuousClock.now
    var span = logits.mutableSpan
    // SAFETY: the elements are bytes.
    let images = unsafe input.span.bytes
    if team {
      try context.runOnTeam(imageCount: batch, input: images, logits: &span)
    } else {
      try context.run(imageCount: batch, input: images, logits: &span)
    }
    return .now - start
  }
}
