import Engine
import Glibc
import Numbers
import ResNet

/// How much faster 3x3 convolutions of stride 1 run by our Winograd kernels than by oneDNN, as a Markdown table.
///
/// `winograd-benchmark [fp32|bf16]` measures three convolutions in a row, so that reorders between them count, on one thread.
@main
struct WinogradBenchmark {
  /// Channels and size of the networks' convolutions.
  static let shapes = [(64, 56), (128, 28), (256, 14), (512, 7), (16, 32), (32, 16), (64, 8)]
  static let batches = [1, 4, 8]
  static let layerCount = 3
  /// Runs in turns; the medians over all of them count.
  static let rounds = 15
  static let roundTime = Duration.milliseconds(40)

  static func main() throws {
    let precision = CommandLine.arguments.dropFirst().first.map(Precision.init(rawValue:)) ?? .fp32
    guard let precision, precision != .int8 else {
      print("usage: winograd-benchmark [fp32|bf16]")
      exit(2)
    }
    print("| channels, size | batch | direct, GFLOP/s | Winograd, effective GFLOP/s | ratio |")
    print("|---|---|---|---|---|")
    for (channels, size) in shapes {
      for batch in batches {
        let shape = FeatureShape(channels: channels, height: size, width: size)
        var direct = try Layers(shape, batch: batch, precision, .never)
        var winograd = try Layers(shape, batch: batch, precision, .always)
        for _ in 0..<rounds {
          try direct.measure()
          try winograd.measure()
        }
        let ratio = direct.median / winograd.median
        let row: [String] = [
          "\(channels), \(size)x\(size)", "\(batch)", "\(Int(direct.rate))",
          "\(Int(winograd.rate))", "\((ratio * 100).rounded() / 100)",
        ]
        print("| " + row.joined(separator: " | ") + " |")
      }
    }
  }

  /// Convolutions in a row, and the times of their runs.
  struct Layers {
    private let context: ExecutionContext
    private let batch: Int
    private let images: [Float]
    private let operationCount: Double
    private var milliseconds: [Double] = []

    init(
      _ shape: FeatureShape, batch: Int, _ precision: Precision, _ policy: WinogradPolicy
    ) throws {
      var convolution = Convolution(outputChannels: shape.channels, kernel: Extent(3))
      convolution.padding = Padding(1)
      var graph = Graph(input: shape)
      for index in 0..<layerCount {
        graph.append("conv\(index)", .convolution(convolution), index)
      }
      var options = CompilationOptions()
      options.batchSizes = [batch]
      options.winograd = policy
      options.precision = precision
      context = try ExecutionContext(
        CompiledNetwork(graph, .random(for: graph), options: options))
      self.batch = batch
      images = ReproducibleNumbers("images").values(
        count: batch * shape.elementCount, from: -2, to: 2)
      operationCount =
        2 * 9 * Double(layerCount * batch * shape.elementCount * shape.channels)
    }

    /// Runs for a round; the first run of a round finds another's data in the cache and does not count.
    mutating func measure() throws {
      let (context, images) = (context, images)
      let end = ContinuousClock.now + roundTime
      var outputs = [Float](repeating: 0, count: images.count)
      var isFirst = true
      let countBefore = milliseconds.count
      repeat {
        let start = ContinuousClock.now
        var span = outputs.mutableSpan
        try context.run(imageCount: batch, input: images.span, logits: &span)
        if !isFirst { milliseconds.append((.now - start) / .milliseconds(1)) }
        isFirst = false
      } while ContinuousClock.now < end || milliseconds.count == countBefore
    }

    var median: Double { milliseconds.sorted()[milliseconds.count / 2] }
    /// Of a direct convolution's operations.
    var rate: Double { operationCount / median / 1e6 }
  }
}
