import Engine
import Inference
import JSON
import Numbers
import ResNet
import Serving
import Synchronization

/// Speed of a compiled network on workers side by side.
struct EngineMeasurement {
  let batch: Int
  let threads: Int
  let workers: Int
  let imagesPerSecond: Double
  /// Median time of one batch.
  let medianMilliseconds: Double

  /// Batches run before the clock starts.
  private static let warmUpCount = 2

  private struct Tally {
    var milliseconds: [Double] = []
    var failure: EngineError?
  }

  /// Runs batches on each worker for at least `duration`.
  init(
    _ network: CompiledNetwork, batch: Int, workers: Int, duration: Duration
  ) throws(EngineError) {
    self.batch = batch
    self.workers = workers
    threads = network.threads
    let start = Barrier(workers)
    let tally = Mutex(Tally())
    let spans = WorkerThread.runSideBySide(workers) { _ in
      do throws(EngineError) {
        let times = try Self.run(network, batch, duration, start)
        tally.withLock { $0.milliseconds += times }
      } catch {
        start.arrive()
        tally.withLock { $0.failure = error }
      }
    }
    guard spans else { throw .outOfMemory(doing: "starting \(workers) workers") }
    let (times, failure) = tally.withLock { ($0.milliseconds, $0.failure) }
    if let failure { throw failure }
    // Each worker is busy all the time, so its rate is its batches over the sum of their times.
    let total = times.reduce(0, +) / 1000
    imagesPerSecond = Double(times.count * batch * workers) / total
    medianMilliseconds = times.sorted()[times.count / 2]
  }

  private static func run(
    _ network: CompiledNetwork, _ batch: Int, _ duration: Duration, _ start: Barrier
  ) throws(EngineError) -> [Double] {
    let context = try ExecutionContext(network)
    let input = ReproducibleNumbers("bench").values(
      count: batch * network.inputShape.elementCount, from: -2, to: 2)
    var logits = [Float](repeating: 0, count: batch * network.outputCount)
    func runOnce() throws(EngineError) {
      var span = logits.mutableSpan
      try context.run(imageCount: batch, input: input.span, logits: &span)
    }
    for _ in 0..<warmUpCount { try runOnce() }
    start.arrive()
    start.wait()
    var times: [Double] = []
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end {
      let start = ContinuousClock.now
      try runOnce()
      times.append((.now - start) / .milliseconds(1))
    }
    return times
  }

  var row: String {
    TextTable(
      rows: [
        ["batch", "threads", "workers", "images/s", "ms/batch"],
        [
          "\(batch)", "\(threads)", "\(workers)", Decimal.text(imagesPerSecond, digits: 1),
          Decimal.text(medianMilliseconds, digits: 2),
        ],
      ], rightAligned: [0, 1, 2, 3, 4]
    ).text.split(separator: "\n").last.map(String.init) ?? ""
  }

  var json: JSONValue {
    [
      "batch": .integer(batch), "threads": .integer(threads), "workers": .integer(workers),
      "images_per_second": .double(imagesPerSecond),
      "median_milliseconds": .double(medianMilliseconds),
    ]
  }
}
