import Glibc
import Numbers
import ResNet
import Training

/// Images/s of training steps: forward, backward and update by SGD with momentum and weight decay.
///
/// `training-benchmark NETWORK BATCH THREADS STEPS [recompute]` prints the median over steps, and the bytes that training takes.
@main
struct TrainingBenchmark {
  /// Steps before the first that counts.
  static let warmUpCount = 3

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard (4...5).contains(arguments.count), let architecture = Architecture.named(arguments[0]),
      let batch = Int(arguments[1]), let threads = Int(arguments[2]), let count = Int(arguments[3]),
      batch > 0, count > 0, arguments.count == 4 || arguments[4] == "recompute"
    else {
      print("usage: training-benchmark NETWORK BATCH THREADS STEPS [recompute]")
      exit(2)
    }
    let graph = try Graph(architecture)
    var options = TrainingOptions(batchLimit: batch)
    options.workerCount = threads
    options.recomputes = arguments.count == 5
    let network = try TrainingNetwork(graph, .random(for: graph), options: options)
    let optimizer = try Optimizer(
      network, OptimizerSettings(.momentum(0.9, isNesterov: true), weightDecay: 5e-4))
    let images = ReproducibleNumbers("images").values(
      count: batch * network.inputShape.elementCount, from: -1, to: 1)
    let targets = Targets.classes((0..<batch).map { $0 % architecture.classCount })
    var seconds: [Double] = []
    for step in 0..<warmUpCount + count {
      let start = ContinuousClock.now
      _ = try network.step(
        images: images.span, targets: targets, loss: Loss(.softmax(smoothing: 0.1)))
      try optimizer.apply(rate: 1e-4)
      if step >= warmUpCount { seconds.append((.now - start) / .seconds(1)) }
    }
    let median = seconds.sorted()[seconds.count / 2]
    let rate = (Double(batch) / median * 10).rounded() / 10
    print("\(rate) images/s, \(network.byteCount) bytes")
  }
}
