import Checkpoint
import Decoding
import Engine
import Inference
import JSON

/// `resnetd train`: makes a model of a folder of images by transfer learning.
enum TrainCommand: Command {
  /// Parameters of a network that are learned.
  enum Tuning: String, CaseIterable, Sendable {
    /// A new last layer, on features that the rest of the network gives as it is.
    case head
  }

  struct Settings: DecodingSettings {
    var output: String?
    var from: String?
    var parts = ModelParts()
    var tuning = Tuning.head
    var regularization: Double?
    var smoothing: Float = 0
    var isBalanced = false
    var heldOutShare: Float = 0.2
    var grouping: GroupPattern?
    var seed = 0
    var jobs: Int?
    var report: String?
    var force = false
    var json = false
    var decoders = DecoderSettings()
  }

  static let name = "train"
  static let summary = "make a model of a folder of images"
  static let operands = "DIR"
  static let discussion = """
    Learns the classes of the images in DIR, one folder for each class, and writes a model file that
    `resnetd serve` serves. A network that was trained before gives features of each image, and a
    new last layer learns to tell the classes by them, which takes seconds. DIR may hold train/ and
    val/ with the folders in each; else a share of each class is held out to judge the result. A
    page beside the model file shows what was learned, and which images it gets wrong.
    """
  static let options: [Option<Settings>] =
    [
      .optionalText("output", "FILE", \.output, "the model file to write").called("o"),
      .optionalText(
        "from", "FILE", \.from, "trained model to begin with, instead of the embedded one"),
      .choice("tune", \.tuning, "what is learned: a new last layer"),
      .positive(
        "regularization", \.regularization,
        "factor of the squared weights in the loss, instead of the best of a search"),
      .fraction(
        "label-smoothing", "P", \.smoothing, "share of each target that goes to all classes alike"),
      .flag("balance", \.isBalanced, "let each class weigh the same, however many images it has"),
      .fraction(
        "held-out", "P", \.heldOutShare,
        "share of each class that judges the result; 0 judges by cross-validation"),
      .grouping(
        "group-by", \.grouping,
        "keep images together whose paths agree in what this expression matches"),
      .integer("seed", "N", \.seed, in: 0...Int(Int32.max), "decides what is held out"),
      .optionalText("name", "NAME", \.parts.name, "name of the model (default: that of the file)"),
      .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
      .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
      .optionalText("arch", "VARIANT", \.parts.variant, ModelParts.variantHelp),
      .optionalInteger(
        "jobs", "N", \.jobs, in: 1...CPUPlan.workerLimit,
        "threads to compute with (default: the cores that may be used); they change no result"
      ).called("j"),
      .optionalText(
        "report", "FILE", \.report, "page with the results (default: the output's .report.html)"),
      .flag("force", \.force, "replace the model file and its report if they are there"),
      .flag("json", \.json, "print the results as JSON"),
    ] + Option.decoding
  static let decodes = true

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    guard operands.count == 1 else {
      throw UsageError("name one folder, with a folder of images for each class in it")
    }
    guard let output = settings.output else {
      throw UsageError("--output is needed: name the model file to write")
    }
    try WrittenFile.check(
      output, "--output", holds: .safetensors,
      onnxRemedy: "`resnetd convert --to onnx` makes an ONNX file of it")
    let page = settings.report ?? output + ".report.html"
    guard settings.heldOutShare <= 0.9 else {
      throw UsageError("--held-out is from 0 to 0.9, so that something is left to learn from")
    }
    guard settings.smoothing < 1 else {
      throw UsageError("--label-smoothing is from 0 to below 1; 0.1 is usual")
    }
    try WrittenFile.check(page, "--report", holds: .html)
    // Before the work, not after it.
    for path in [output, page] {
      try WrittenFile.checkFree(
        path, replaces: settings.force, remedies: "--force replaces it, another --output leaves it")
      try WrittenFile.checkPlace(path)
    }
    let interruption = try EndingSignals(command: name)
    let start = ContinuousClock.now
    let folder = try TrainingFolder(operands[0])
    let parent = try ModelSource.load(settings.from, settings.parts, numbersClasses: true)
    let training = try HeadTraining(folder, parent, settings, spawner, interruption)
    guard let trained = try training.run(start: start) else {
      StandardError.write("resnetd train: ended early; nothing was written")
      return interruption.exitCode ?? .failure
    }
    do throws(CheckpointError) { try trained.model.write(to: output) } catch {
      throw Failure("\(output): \(error)")
    }
    let report = TrainingReport(trained, folder: folder, output: output, page: page)
    let thumbnails = Thumbnails(of: report.shownPaths, by: training.decoders.makeDecoder())
    try FileBytes.write(Array(TrainingPage(report, thumbnails).text.utf8), to: page)
    StandardOutput.write(settings.json ? report.json.indentedText : report.text)
    return .success
  }
}

extension Option {
  fileprivate static func positive(
    _ name: String, _ path: any Path<Double?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "X", help: help) { (settings, text) throws(InvalidValue) in
      guard let value = Double(text), value.isFinite, value > 0 else {
        throw InvalidValue(expected: "a number above 0")
      }
      settings[keyPath: path] = value
    } defaultText: { _ in
      nil
    }
  }

  fileprivate static func grouping(
    _ name: String, _ path: any Path<GroupPattern?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "REGEX", help: help) { (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try GroupPattern(text)
    } defaultText: { _ in
      nil
    }
  }
}
