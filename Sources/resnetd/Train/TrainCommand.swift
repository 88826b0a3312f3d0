import Checkpoint
import Decoding
import Engine
import Files
import Glibc
import Imaging
import Inference
import JSON
import ResNet

/// `resnetd train`: makes a model of a folder of images by transfer learning.
enum TrainCommand: Command {
  /// Parameters of a network that are learned.
  enum Tuning: Sendable, Equatable {
    /// What suits the number of images and the time.
    case auto
    /// A new last layer, on features that the rest of the network gives as it is.
    case head
    /// So many stages, and a new last layer.
    case last(Int)
    case all
  }

  /// Changes to images in every epoch.
  enum AugmentationChoice: String, CaseIterable, Sendable {
    /// Crops and flips.
    case auto
    case none
    /// Crops alone, where left and right differ.
    case crop
    /// Crops, flips and colours.
    case colour
  }

  struct Settings: DecodingSettings {
    var output: String?
    var from: String?
    var parts = ModelParts()
    var tuning = Tuning.auto
    var time: Duration?
    var epochCount: Int?
    var batchImageCount: Int?
    var rate: Double?
    var weightDecay: Double?
    var augmentation = AugmentationChoice.auto
    var regularization: Double?
    var smoothing: Float = 0
    var isBalanced = false
    var heldOutShare: Float = 0.2
    var grouping: GroupPattern?
    var seed = 0
    var jobs: Int?
    var report: String?
    var resumes = false
    var force = false
    var json = false
    var decoders = DecoderSettings()

    /// Network of the table that is trained from nothing: named without a file to begin with.
    var startsFromNothing: Architecture? {
      from == nil ? parts.variant.flatMap { Architecture.named($0) } : nil
    }

    /// The first option that only the training of layers has.
    var layerOption: String? {
      let options: [(String, Bool)] = [
        ("--resume", resumes), ("--time", time != nil), ("--epochs", epochCount != nil),
        ("--batch", batchImageCount != nil), ("--learning-rate", rate != nil),
        ("--weight-decay", weightDecay != nil), ("--augment", augmentation != .auto),
      ]
      return options.first { $0.1 }?.0
    }

    var lastCount: Int? { if case .last(let count) = tuning { count } else { nil } }
  }

  static let name = "train"
  static let summary = "make a model of a folder of images"
  static let operands = "DIR"
  static let discussion = """
    Learns the classes of the images in DIR, one folder for each class, and writes a model file that
    `resnetd serve` serves. A network that was trained before gives features of each image, and a
    new last layer learns to tell the classes by them, which takes seconds; where there are images
    and time enough, the other layers are trained too. DIR may hold train/ and val/ with the folders
    in each; else a share of each class is held out to judge the result. A page beside the model
    file shows what was learned, and which images it gets wrong.
    """
  static let options: [Option<Settings>] =
    [
      .optionalText("output", "FILE", \.output, "the model file to write").called("o"),
      .optionalText(
        "from", "FILE", \.from, "trained model to begin with, instead of the embedded one"),
      .tuning(
        "tune", \.tuning,
        "what is learned: a new last layer, the last N stages with it, or all layers"),
      .optionalDuration(
        "time", \.time, in: .seconds(1)...Duration.seconds(30 * 24 * 3600),
        "how long the training of layers may take"),
      .optionalInteger(
        "epochs", "N", \.epochCount, in: 1...10_000, "passes over the images, instead of a time"),
      .optionalInteger(
        "batch", "N", \.batchImageCount, in: 1...4096, "images of a step (default: by their size)"),
      .positive("learning-rate", \.rate, "the highest rate (default: by the batch)"),
      .positive("weight-decay", \.weightDecay, "decay of weights"),
      .choice(
        "augment", \.augmentation,
        "changes to images: crops and flips, none, crops alone, or colours too"),
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
      .optionalText(
        "arch", "VARIANT", \.parts.variant,
        "without --from: a network to train from scratch, such as resnet20-cifar; with it: "
          + ModelParts.variantHelp),
      .optionalInteger(
        "jobs", "N", \.jobs, in: 1...CPUPlan.workerLimit,
        "threads to compute with (default: the cores that may be used); they change no result"
      ).called("j"),
      .optionalText(
        "report", "FILE", \.report, "page with the results (default: the output's .report.html)"),
      .flag("resume", \.resumes, "go on with a training that was interrupted"),
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
    try checkCombination(settings)
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
    let last = TrainedModel.lastPath(of: output)
    let checkpoint = CourseCheckpoint.path(of: output)
    guard ![output, last, checkpoint].contains(page) else {
      throw UsageError("--report \(page) is the name of another file of this training")
    }
    // Before the work, not after it.
    for path in [output, page, last, checkpoint] {
      let name = path.split(separator: "/").last ?? ""
      guard name.utf8.count <= nameByteCountLimit else {
        throw UsageError(
          "the name \(name.prefix(40))… has \(name.utf8.count) bytes, and files are written under names "
            + "of at most \(nameByteCountLimit): give a shorter --output")
      }
    }
    for path in [output, page, last] {
      try WrittenFile.checkFree(
        path, replaces: settings.force, remedies: "--force replaces it, another --output leaves it")
      try WrittenFile.checkPlace(path)
    }
    try checkCheckpoint(settings, output)
    let interruption = try EndingSignals(command: name)
    let start = ContinuousClock.now
    let folder = try TrainingFolder(operands[0])
    var settings = settings
    let parent = try parent(settings, folder)
    let jobs = ParallelJobs(settings.jobs, imageCount: folder.images.count)
    let job = TrainingJob(
      folder: folder, parent: parent, settings: settings, jobs: jobs,
      decoders: jobs.decoders(settings.decoders, spawner, for: []), interruption: interruption)
    job.tellFolder()
    settings.tuning = chosen(settings, folder, parent)
    let result: TrainingResult? =
      switch settings.tuning {
      case .head, .auto: try HeadTraining(job).run(start: start)
      case .all, .last:
        try NetworkTraining(job, output: output, lastCount: settings.lastCount).run(start: start)
      }
    guard let result else {
      StandardError.write("resnetd train: ended early; \(output) was not written")
      return interruption.exitCode ?? .failure
    }
    do throws(CheckpointError) { try result.model.write(to: output) } catch {
      throw Failure("\(output): \(error)")
    }
    do throws(CheckpointError) { try result.last?.write(to: last) } catch {
      TrainingProgress.tell("\(last): \(error); \(output) is complete without it")
    }
    unsafe unlink(CourseCheckpoint.path(of: output))
    let report = TrainingReport(result, folder: folder, output: output, page: page)
    let thumbnails = Thumbnails(of: report.shownPaths, by: job.decoders.makeDecoder())
    let text = Array(TrainingPage(report, thumbnails).text.utf8)
    do throws(FileError) {
      try AtomicFile.write(to: page) { file throws(FileError) in
        // SAFETY: the elements are bytes.
        try file.write(unsafe text.span.bytes)
      }
    } catch {
      throw Failure("\(error); \(output) is complete")
    }
    StandardOutput.write(settings.json ? report.json.indentedText : report.text)
    return .success
  }

  /// Bytes of a file's name that leave room for that of the temporary file beside it.
  private static let nameByteCountLimit = 220

  /// Throws if an option would do nothing, or something else than it says.
  private static func checkCombination(_ settings: Settings) throws(UsageError) {
    if settings.time != nil, settings.epochCount != nil {
      throw UsageError("--time decides the number of epochs: give it or --epochs, not both")
    }
    if let architecture = settings.parts.variant, settings.startsFromNothing != nil {
      switch settings.tuning {
      case .auto, .all: break
      case .head, .last:
        throw UsageError(
          "--arch \(architecture) without --from is a network from scratch, all of whose layers must be "
            + "trained: name a trained network by --from, or leave out --tune")
      }
    }
    if settings.tuning == .head, let option = settings.layerOption {
      throw UsageError(
        "\(option) is for the training of layers, and --tune head trains none but the last: give "
          + "--tune all or last:N, or leave it out")
    }
  }

  /// Throws if the state of an interrupted training would be lost, or is not there to go on with.
  private static func checkCheckpoint(_ settings: Settings, _ output: String) throws(Failure) {
    let path = CourseCheckpoint.path(of: output)
    if settings.resumes {
      guard unsafe access(path, R_OK) == 0 else {
        throw Failure("--resume: \(path) is not there to go on with: \(SystemError.text())")
      }
    } else {
      try WrittenFile.checkFree(
        path, replaces: settings.force,
        remedies: "--resume goes on with that training, --force begins anew")
    }
  }

  /// Returns the model to begin with.
  private static func parent(_ settings: Settings, _ folder: TrainingFolder) throws -> Model {
    guard var architecture = settings.startsFromNothing else {
      // The name is that of the model to be made.
      var parts = settings.parts
      parts.name = nil
      return try ModelSource.load(settings.from, parts, numbersClasses: true)
    }
    architecture.classCount = folder.classes.count
    let options: ModelOptions
    do throws(CheckpointError) {
      options = try ModelSource.options(settings.parts.withoutVariant)
    } catch {
      throw Failure(error.description)
    }
    let graph = try Graph(architecture)
    let weights = try Weights.initial(for: graph, seed: UInt64(settings.seed))
    let preset = architecture.stem == .cifar ? "cifar10" : "imagenet"
    do throws(CheckpointError) {
      var contract = options.preprocessing
      if contract == nil { contract = try Contract.read(preset).preprocessing }
      return try Model(
        name: settings.parts.variant ?? "network", architecture: architecture, weights: weights,
        Model.Contents(labels: folder.classes, preprocessing: contract ?? .imageNet))
    } catch {
      throw Failure("a training from scratch: \(error)")
    }
  }

  /// Images from which all layers are trained without being asked, if they are small.
  private static let tunedImageCount = 2000
  private static let smallPixelCount = 64 * 64

  /// Images below which a network from scratch learns little.
  private static let freshImageCount = 5000

  private static func chosen(
    _ settings: Settings, _ folder: TrainingFolder, _ parent: Model
  ) -> Tuning {
    let count = folder.images.count
    if settings.startsFromNothing != nil {
      if count < freshImageCount {
        TrainingProgress.tell(
          "\(Decimal.grouped(count)) images are few for a network from scratch, which wants "
            + "\(Decimal.grouped(freshImageCount)) or more; a trained one, by --from or without --arch, "
            + "does better")
      }
      return .all
    }
    guard settings.tuning == .auto else { return settings.tuning }
    let isSmall = parent.graph.inputShape.pixelCount <= smallPixelCount
    let option = settings.layerOption
    let tuning: Tuning = option != nil || (isSmall && count >= tunedImageCount) ? .all : .head
    TrainingProgress.tell(
      tuning == .all
        ? "--tune all: "
          + (option.map { "\($0) is for the training of layers" }
            ?? "\(Decimal.grouped(count)) small images are enough to train all layers")
        : "--tune head: a new last layer takes seconds; --tune all or --time 10m trains all layers")
    return tuning
  }
}

extension ModelParts {
  /// The same parts without the name of a network.
  fileprivate var withoutVariant: ModelParts {
    var parts = self
    parts.variant = nil
    return parts
  }
}

extension Option {
  fileprivate static func tuning(
    _ name: String, _ path: any Path<TrainCommand.Tuning>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "auto|head|last:N|all", help: help) {
      (settings, text) throws(InvalidValue) in
      switch text {
      case "auto": settings[keyPath: path] = .auto
      case "head": settings[keyPath: path] = .head
      case "all": settings[keyPath: path] = .all
      default:
        guard text.hasPrefix("last:"), let count = Int(text.dropFirst(5)), 1...100 ~= count else {
          throw InvalidValue(
            expected: "auto, head, all, or last:N for the last N stages, such as last:1")
        }
        settings[keyPath: path] = .last(count)
      }
    } defaultText: { _ in
      "auto"
    }
  }

  fileprivate static func optionalDuration(
    _ name: String, _ path: any Path<Duration?>, in range: ClosedRange<Duration>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "TIME", help: help) { (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try OptionValue.duration(text, in: range)
    } defaultText: { _ in
      nil
    }
  }

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
