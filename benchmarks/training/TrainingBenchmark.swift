import Engine
import Glibc
import Numbers
import ResNet
import Training

/// Images/s of training steps: forward, backward and update by SGD with momentum and weight decay.
///
/// `training-benchmark NETWORK BATCH THREADS STEPS [bf16] [recompute] [shard=IMAGES]` prints the
/// medians over steps, by the clock and by the time that processors worked, and the bytes that training
/// takes.
@main
struct TrainingBenchmark {
  /// Steps before the first that counts.
  static let warmUpCount = 3

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 4, let architecture = Architecture.named(arguments[0]),
      let batch = Int(arguments[1]), let threads = Int(arguments[2]), let count = Int(arguments[3]),
      batch > 0, count > 0
    else {
      print(
        "usage: training-benchmark NETWORK BATCH THREADS STEPS [bf16] [recompute] [shard=IMAGES]")
      exit(2)
    }
    let graph = try Graph(architecture)
    var options = TrainingOptions(batchLimit: batch)
    options.workerCount = threads
    if arguments.contains("bf16") { options.precision = .bf16 }
    options.recomputes = arguments.contains("recompute")
    options.shardImageCount = arguments.first { $0.hasPrefix("shard=") }.flatMap {
      Int($0.dropFirst(6))
    }
    let network = try TrainingNetwork(graph, .random(for: graph), options: options)
    let optimizer = try Optimizer(
      network, OptimizerSettings(.momentum(0.9, isNesterov: true), weightDecay: 5e-4))
    let images = ReproducibleNumbers("images").values(
      count: batch * network.inputShape.elementCount, from: -1, to: 1)
    let targets = Targets.classes((0..<batch).map { $0 % architecture.classCount })
    var seconds: (clock: [Double], processors: [Double]) = ([], [])
    for step in 0..<warmUpCount + count {
      let start = (clock: ContinuousClock.now, processors: processorSeconds)
      _ = try network.step(
        images: images.span, targets: targets, loss: Loss(.softmax(smoothing: 0.1)))
      try optimizer.apply(rate: 1e-4)
      guard step >= warmUpCount else { continue }
      seconds.clock.append((.now - start.clock) / .seconds(1))
      seconds.processors.append(processorSeconds - start.processors)
    }
    func rate(_ seconds: [Double]) -> Double {
      (Double(batch) / seconds.sorted()[seconds.count / 2] * 10).rounded() / 10
    }
    print(
      "\(rate(seconds.clock)) images/s, \(rate(seconds.processors)) per second of processor time, "
        + "\(network.byteCount) bytes")
  }

  /// Time that all threads of this process have worked.
  private static var processorSeconds: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
