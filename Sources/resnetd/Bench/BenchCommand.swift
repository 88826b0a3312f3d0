import Checkpoint
import Engine
import JSON
import ResNet

/// `resnetd bench`: measures the images per second of the engine alone.
enum BenchCommand: Command {
  struct Settings: CommandSettings {
    var batchSizes = [1, 8]
    var threads = [1, 2]
    var workers = [1]
    var seconds = Duration.seconds(5)
    var winograd = WinogradPolicy.measured
    var precision = PrecisionPolicy.fp32
    var json = false
    var parts = ModelParts()
  }

  private static let times = Duration.milliseconds(100)...Duration.seconds(3600)

  static let name = "bench"
  static let summary = "measure the engine's images per second"
  static let operands = "NAME|FILE"
  static let discussion = """
    Runs a network on made-up images, without decoding, for every combination of batch size,
    threads per worker and workers. Workers run side by side, each its own batch, as serve does
    it; the latency is that of one batch.
    """
  static let options: [Option<Settings>] = [
    .integers("batch", "N,…", \.batchSizes, in: 1...256, "images per batch"),
    .integers("threads", "N,…", \.threads, in: 1...256, "threads of one worker"),
    .integers("workers", "N,…", \.workers, in: 1...256, "workers side by side"),
    .duration("seconds", \.seconds, in: times, "time for each combination"),
    .choice("winograd", \.winograd, "when 3x3 convolutions use our Winograd kernels"),
    .choice("precision", \.precision, "numbers of activations and weights"),
    .optionalText("weights", "NAME", \.parts.weights, "for a FILE: " + ModelParts.weightsHelp),
    .optionalText("arch", "VARIANT", \.parts.variant, "for a FILE: " + ModelParts.variantHelp),
    .flag("json", \.json, "print JSON"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 1 else { throw UsageError("name one network or file") }
    let subject = try BenchSubject(operands[0], settings.precision, parts: settings.parts)
    if !settings.json {
      StandardOutput.write(
        "\(operands[0]), \(subject.precision.rawValue), oneDNN \(OneDNN.version), "
          + InstructionLevel.description)
      StandardOutput.write("batch  threads  workers  images/s  ms/batch (median)")
    }
    var results: [EngineMeasurement] = []
    for threads in settings.threads {
      for batch in settings.batchSizes {
        var options = CompilationOptions()
        options.batchSizes = [batch]
        options.threads = threads
        options.winograd = settings.winograd
        let network = try subject.compiled(options)
        for workers in settings.workers {
          let result = try EngineMeasurement(
            network, batch: batch, workers: workers, duration: settings.seconds)
          results.append(result)
          if !settings.json { StandardOutput.write(result.row) }
        }
      }
    }
    if settings.json {
      let report: JSONValue = [
        "network": .string(operands[0]), "precision": .string(subject.precision.rawValue),
        "instructions": .string(InstructionLevel.used.rawValue),
        "results": .array(results.map(\.json)),
      ]
      StandardOutput.write(report.text)
    }
    return .success
  }
}
