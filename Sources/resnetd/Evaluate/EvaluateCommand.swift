import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import JSON
import ResNet

/// `resnetd evaluate`: measures how often a model is right.
enum EvaluateCommand: Command {
  struct Settings: DecodingSettings {
    var model: String?
    var parts = ModelParts()
    var precisions = PrecisionList.automatic
    var list: String?
    var allowUnknown = false
    var jobs: Int?
    var json: String?
    var page: String?
    var force = false
    var decoders = DecoderSettings()
    var decoding = DecodingLimits()
  }

  static let name = "evaluate"
  static let summary = "measure a model's accuracy on labelled images"
  static let operands = "DIR"
  static let discussion = """
    Classifies images whose classes are known and reports how often the model is right: top-1 and
    top-5 with the interval that holds 95 % of such samples, each class, which classes are taken for
    which, and whether its probabilities can be believed. DIR holds a folder for each class, named
    as its label, its number or, for ImageNet's classes, its number in WordNet (n01440764); or
    --list names the images in DIR and their classes.
    """
  static let options: [Option<Settings>] =
    [
      .optionalText("model", "FILE|NAME", \.model, ModelParts.modelHelp),
      .optionalText(
        "list", "FILE", \.list,
        "images and classes: lines of a path, a blank and a class, or a table with both columns"),
      .flag(
        "allow-unknown", \.allowUnknown, "pass over folders and names that are not classes"),
      .precisions(
        "precision", \.precisions, "one or more, side by side: auto, all, fp32,bf16,int8"),
      .optionalInteger(
        "jobs", "N", \.jobs, in: 1...CPUPlan.workerLimit,
        "images to classify in parallel (default: the cores that may be used)"
      ).called("j"),
      .optionalText("json", "FILE", \.json, "write everything as JSON there; - is standard output"),
      .optionalText("page", "FILE", \.page, "write a page for a browser there"),
      .flag("force", \.force, "replace the files of --json and --page if they exist"),
      .integer(
        "pixel-limit", "N", \.decoding.pixelCountLimit, in: 1...DecodingLimits.pixelCountCeiling,
        "width x height of an image"),
    ] + ModelParts.options(of: \.parts) + Option.decoding
  static let decodes = true

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    guard operands.count == 1 else {
      throw UsageError("name one folder, with a folder for each class in it or a --list")
    }
    try checkFiles(settings)
    let interruption = try EndingSignals(command: name)
    let model = try ModelSource.load(settings.model, settings.parts)
    try checkMeaning(of: model)
    let names = ClassNames(labels: model.labels, displayNames: model.output.displayNames)
    let images: any LabelledImages =
      if let list = settings.list {
        try ClassList(list, in: operands[0], names, allowsUnknown: settings.allowUnknown)
      } else {
        try ClassFolders(operands[0], names, allowsUnknown: settings.allowUnknown)
      }
    let (precisions, leftOut) = try settings.precisions.chosen(for: model)
    for note in leftOut { StandardError.write("resnetd evaluate: \(note)") }
    let jobs = ParallelJobs(settings.jobs, imageCount: images.total)
    let models = try precisions.map { try jobs.compiled(model, $0) }
    let decoders = jobs.decoders(settings.decoders, spawner, for: models)
    let run = EvaluationRun(images, precisionCount: models.count, interruption)
    let sample = model.provenance?.learnedSample.flatMap(LearnedSample.init(text:))
    let outcome = try run.run(threads: jobs.count, batch: jobs.batch(of: models[0])) {
      try EvaluationClassifier(models, decoders, settings.decoding, learned: sample)
    }
    guard outcome.whole.tallies[0].imageCount > 0 else {
      throw Failure("\(operands[0]): none of its images could be classified")
    }
    let report = EvaluationReport(
      models, outcome, source: settings.list ?? operands[0],
      leftOut: leftOut, learned: sample == nil ? nil : outcome.whole.learned,
      isEarly: interruption.hasHappened)
    try write(report, settings, decoders)
    return interruption.exitCode ?? (outcome.failureCount == 0 ? .success : .failure)
  }

  /// Refuses files that would be lost, or could not be written, before anything is computed.
  private static func checkFiles(_ settings: Settings) throws {
    let json = settings.json == "-" ? nil : settings.json
    guard !settings.force || json != nil || settings.page != nil else {
      throw UsageError("--force needs --json with a file, or --page")
    }
    let files = [("--json", json, WrittenFile.Format.json), ("--page", settings.page, .html)]
    for case (let option, let path?, let format) in files {
      try WrittenFile.check(path, option, holds: format)
      try WrittenFile.checkFree(
        path, replaces: settings.force,
        remedies: "--force replaces it, another \(option) leaves it")
      try WrittenFile.checkPlace(path)
    }
  }

  private static func write(
    _ report: EvaluationReport, _ settings: Settings, _ decoders: any DecoderSource
  ) throws {
    if settings.json == "-" {
      StandardOutput.write(report.json.text)
    } else {
      StandardOutput.write(report.text)
      if let path = settings.json { try FileBytes.write(report.json.bytes + [10], to: path) }
    }
    if let path = settings.page {
      let thumbnails = Thumbnails(
        of: report.parts[0].tally.mistakes.map(\.path), by: decoders.makeDecoder())
      try FileBytes.write(Array(EvaluationPage(report, thumbnails).text.utf8), to: path)
    }
  }

  /// Refuses models whose outputs are not one class of all.
  private static func checkMeaning(of model: Model) throws(Failure) {
    switch model.output.activation {
    case .softmax: return
    case .sigmoid
    where (try? model.graph.outputShape.channels) == 1 && model.labels.count == 2:
      return
    case .sigmoid:
      throw Failure(
        "the labels of \(model.name) are independent (activation sigmoid): an image may have "
          + "several, but a folder tells one, so that accuracy means nothing; if only one can be "
          + "right, give --activation softmax")
    case .none:
      throw Failure(
        "the outputs of \(model.name) are scores (activation none), not probabilities of classes; "
          + "if they are a classifier's logits, give --activation softmax")
    }
  }
}
