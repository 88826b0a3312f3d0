import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import JSON
import ResNet
import Training

/// `resnetd train`: makes a model of a folder of images by transfer learning.
enum TrainCommand: Command {
  typealias Settings = TrainSettings

  static let name = "train"
  static let summary = "make a model of a folder of images"
  static let operands = "DIR"
  static let discussion = """
    Learns the classes of the images in DIR, one folder for each class, and writes a model file that
    `resnetd serve` serves. A network that was trained before gives features of each image, and a
    new last layer learns to tell the classes by them, which takes seconds; where there are images
    and time enough, the other layers are trained too. DIR may hold train/ and val/ with the folders
    in each; else a share of each class is held out to judge the result. --list names the images and
    their classes instead. A page beside the model file shows what was learned, and which images it
    gets wrong.
    """
  static let options = TrainSettings.options
  static let decodes = true

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    guard operands.count == 1 else {
      throw UsageError("name one folder, with a folder of images for each class in it")
    }
    try settings.check()
    if let refusal = TrainingOptions.refusal(of: settings.precision.precision) {
      throw Failure("--precision \(settings.precision.rawValue): \(refusal)")
    }
    try FeatureFolder.check(settings)
    let files = settings.files
    if settings.findsRate {
      try TrainedFiles.checkRates(settings)
    } else {
      try files.check(settings)
    }
    let lock = try OutputLock(files.model)
    defer { lock.release() }
    // Another run may have written them before it gave up the lock.
    if !settings.findsRate { try files.check(settings) }
    let upload = try ModelUpload(settings)
    try upload?.check()
    let interruption = try EndingSignals(command: name)
    let start = ContinuousClock.now
    let folder = try images(settings, in: operands[0])
    let parent = try parent(settings, folder)
    var settings = settings
    settings.tuning = chosen(settings, folder, parent)
    let jobs = ParallelJobs(settings.jobs, imageCount: folder.images.count)
    let job = TrainingJob(
      folder: folder, parent: parent, settings: settings, jobs: jobs,
      decoders: jobs.decoders(settings.decoders, spawner, for: []), interruption: interruption)
    // A whole network is of use only where its features are what is learned from.
    var compiled = try job.checkParent()
    if settings.tuning != .head { compiled = nil }
    job.tellFolder()
    if settings.findsRate {
      return try findRate(job, start) ? .success : interruption.exitCode ?? .failure
    }
    try files.checkRoom(
      for: parent, keepsState: settings.tuning != .head,
      hiddenCount: settings.head.hiddenCount ?? 0, classCount: folder.classes.count)
    let result: TrainingResult? =
      switch settings.tuning {
      case .head, .auto: try HeadTraining(job).run(compiled.take(), start: start)
      case .all, .last:
        try NetworkTraining(job).run(start: start)
      }
    guard let result else {
      StandardError.write("resnetd train: ended early; \(files.model) was not written")
      return interruption.exitCode ?? .failure
    }
    let report = TrainingReport(result, folder: folder, files: files)
    let thumbnails = Thumbnails(of: report.shownPaths, by: job.decoders.makeDecoder())
    try files.write(result, page: TrainingPage(report, thumbnails).text)
    do {
      try finish(report, settings, upload, interruption)
    } catch let failure as Failure where interruption.hasHappened {
      StandardError.write("resnetd train: \(failure.message)")
      return interruption.exitCode ?? .failure
    }
    return .success
  }

  /// Returns the images to learn from: those of a folder, or of a list.
  private static func images(_ settings: Settings, in folder: String) throws -> TrainingFolder {
    guard let list = settings.list else {
      return try TrainingFolder(folder, negatives: settings.negatives)
    }
    return try TrainingList(
      list, in: folder, negatives: settings.negatives, separator: settings.labelSeparator,
      hasIndependentLabels: settings.hasIndependentLabels
    ).folder(at: list)
  }

  /// Looks for a rate; returns whether it was not interrupted.
  private static func findRate(
    _ job: TrainingJob, _ start: ContinuousClock.Instant
  ) throws -> Bool {
    guard let (search, recipe) = try NetworkTraining(job).searchRate(start: start) else {
      StandardError.write("resnetd train: ended early; nothing was written")
      return false
    }
    let path = TrainedFiles.rates(job.settings)
    let report = RateReport(search, recipe: recipe, path: path)
    try FileBytes.write(Array(report.page.utf8), to: path)
    StandardOutput.write(job.settings.json ? report.json.indentedText : report.text)
    return true
  }

  /// Tells the results, and takes the model to a server where that is asked for.
  private static func finish(
    _ report: TrainingReport, _ settings: Settings, _ upload: ModelUpload?,
    _ interruption: EndingSignals
  ) throws {
    // What was learned is told even if the server then refuses it.
    if !settings.json { StandardOutput.write(report.text) }
    let answer = Result {
      try upload?.push(report, unless: interruption)
    }
    if settings.json {
      var json = report.json
      if let upload, case .success(let answer?) = answer, case .object(var members) = json {
        members.append("pushed", try upload.json(answer))
        json = .object(members)
      }
      StandardOutput.write(json.indentedText)
    }
    guard let upload, let answer = try answer.get(), !settings.json else { return }
    StandardOutput.write("\n" + (try upload.text(answer)))
  }

  /// Returns the model to begin with.
  private static func parent(_ settings: Settings, _ folder: TrainingFolder) throws -> Model {
    guard var architecture = settings.freshArchitecture else {
      // The name is that of the model to be made.
      var parts = settings.parts
      parts.name = nil
      let model = try ModelSource.load(settings.from, parts, numbersClasses: true, resizes: true)
      if model.replacedPreprocessing != nil {
        TrainingProgress.tell(
          "\(model.name) was trained on images that were prepared in another way than --preprocess "
            + "says, so its features fit worse; --tune all adapts them, and `resnetd inspect --contract` "
            + "prints its own")
      }
      return model
    }
    architecture.classCount = folder.classes.count
    let options: ModelOptions
    do throws(CheckpointError) {
      options = try ModelSource.options(settings.parts.withoutVariant)
    } catch {
      throw Failure(error.description)
    }
    if let size = options.preprocessing?.outputSize {
      guard size.height == size.width else {
        throw Failure(
          "a training from scratch is on square images, and --preprocess gives "
            + "\(size.height)x\(size.width)")
      }
      architecture.inputSize = size.height
    }
    let graph = try Graph(architecture)
    let weights = try Weights.initial(for: graph, seed: UInt64(settings.seed))
    let preset =
      switch architecture.stem {
      case .imageNet: "imagenet"
      case .strided: "imagenet-64"
      case .cifar: "cifar10"
      }
    do throws(CheckpointError) {
      let contract =
        if let given = options.preprocessing { given } else {
          try Contract.read(preset).preprocessing
        }
      return try Model(
        name: settings.parts.variant ?? "network", architecture: architecture, weights: weights,
        Model.Contents(
          labels: folder.classes, preprocessing: contract, output: settings.outputRule))
    } catch {
      throw Failure("a training from scratch: \(error)")
    }
  }

  /// Images below which a network from scratch learns little.
  private static let freshImageCount = 5000

  private static func chosen(
    _ settings: Settings, _ folder: TrainingFolder, _ parent: Model
  ) -> TrainSettings.Tuning {
    let count = folder.images.count
    if settings.freshArchitecture != nil {
      if count < freshImageCount {
        TrainingProgress.tell(
          "\(Decimal.grouped(count)) images are few for a network from scratch, which wants "
            + "\(Decimal.grouped(freshImageCount)) or more; a trained one, by --from or without --arch, "
            + "does better")
      }
      return .all
    }
    guard settings.tuning == .auto else { return settings.tuning }
    if let option = settings.head.soleOption {
      TrainingProgress.tell("--tune head: \(option) is for a new last layer by itself")
      return .head
    }
    if let option = settings.layerOption {
      TrainingProgress.tell("--tune all: \(option) is for the training of layers")
      return .all
    }
    let choice = TuningChoice(
      imageCount: count, classCount: folder.classes.count, parent.graph.inputShape,
      hasBands: parent.preprocessing.channelOrder == .bands)
    TrainingProgress.tell(choice.text)
    return choice.tuning
  }
}
