import Checkpoint
import Decoding
import Engine
import Files
import Glibc
import Imaging
import Inference
import Machine
import ResNet
import Training

/// Transfer learning with a frozen network: features of all images once, then a new last layer.
struct HeadTraining {
  private let folder: TrainingFolder
  private let parent: Model
  private let settings: TrainCommand.Settings
  private let jobs: ParallelJobs
  private let compiled: CompiledModel
  let decoders: any DecoderSource
  private let interruption: EndingSignals
  private let featureCount: Int

  init(
    _ folder: TrainingFolder, _ parent: Model, _ settings: TrainCommand.Settings,
    _ spawner: Spawner?, _ interruption: EndingSignals
  ) throws {
    (self.folder, self.parent, self.settings) = (folder, parent, settings)
    self.interruption = interruption
    jobs = ParallelJobs(settings.jobs, imageCount: folder.images.count)
    compiled = try jobs.compiled(parent, .fp32)
    do throws(FeatureFault) { featureCount = try compiled.featureCount.get() } catch {
      throw Failure("\(parent.name): \(error); name another model by --from")
    }
    decoders = jobs.decoders(settings.decoders, spawner, for: [compiled])
  }

  /// Returns the model; nil if it was interrupted.
  func run(start: ContinuousClock.Instant) throws -> TrainedHead? {
    try checkMemory()
    for note in folder.notes { TrainingProgress.tell(note) }
    let classes = folder.classes
    TrainingProgress.tell(
      "\(Decimal.grouped(folder.images.count)) files of \(classes.count) classes: "
        + TrainingFolder.shown(classes))
    TrainingProgress.tell(
      "a new last layer on the \(featureCount) features of \(parent.name) \(parent.version.short)")
    let survey = ImageSurvey(folder.images, TrainingProgress("features"), interruption)
    guard let found = try survey.run(compiled, jobs: jobs, decoders) else { return nil }
    let split = try DataSplit(
      folder, found.images,
      .init(
        heldOutShare: settings.heldOutShare, seed: UInt64(settings.seed),
        grouping: settings.grouping))
    for note in split.notes { TrainingProgress.tell(note) }
    warnOfImbalance(split)
    guard let fit = try fit(split) else { return nil }
    let judgement = try judgement(of: fit, split)
    let name = settings.parts.name ?? TrainedModel.name(of: settings.output ?? "")
    var contents = Model.Contents(
      labels: folder.classes, preprocessing: parent.preprocessing,
      output: judgement?.output ?? OutputRule(activation: .softmax),
      provenance: try provenance(fit, judgement, split))
    let model = try TrainedModel.model(parent, fit.head, name: name, contents)
    guard let samples = try goldenSamples(of: model, split, fit) else { return nil }
    contents.goldenSamples = samples
    return TrainedHead(
      model: try TrainedModel.model(parent, fit.head, name: name, contents),
      parentName: "\(parent.name) \(parent.version.short)", featureCount: featureCount,
      split: split, survey: found, fit: fit, judgement: judgement,
      doubts: doubts(fit, contents.output, split), duration: .now - start)
  }

  // MARK: Steps

  /// Throws if the features of all images do not fit in memory: those of the survey, of the matrix,
  /// and of the folds of cross-validation.
  private func checkMemory() throws(Failure) {
    let perImage = 4 * MemoryLayout<Float>.stride * (featureCount + folder.classes.count)
    let wanted = perImage * folder.images.count
    guard let available = MemoryAllowance.available, wanted > available else { return }
    throw Failure(
      "the features of \(Decimal.grouped(folder.images.count)) images take about "
        + "\(wanted >> 20) MiB, \(available >> 20) MiB are free; give the process more memory, or "
        + "learn from fewer images")
  }

  private func warnOfImbalance(_ split: DataSplit) {
    let counts = split.counts(of: split.learned)
    guard !settings.isBalanced, let most = counts.max(), let least = counts.min(),
      most > 5 * max(least, 1)
    else { return }
    TrainingProgress.tell(
      "the largest class has \(Decimal.grouped(most)) images, the smallest "
        + "\(Decimal.grouped(least)): rare classes will be answered too seldom; --balance lets each "
        + "weigh the same")
  }

  private func matrix(_ images: [SurveyedImage]) -> FeatureMatrix {
    var matrix = FeatureMatrix(columnCount: featureCount)
    for image in images { matrix.append(image.features) }
    return matrix
  }

  private func fit(_ split: DataSplit) throws -> HeadFit? {
    var rules = HeadSettings()
    rules.regularization = settings.regularization
    rules.smoothing = Double(settings.smoothing)
    rules.isBalanced = settings.isBalanced
    rules.seed = UInt64(settings.seed)
    rules.threads = jobs.count
    let samples = HeadSamples(
      matrix(split.learned), labels: split.learned.map { split.label(of: $0) },
      groups: split.groups, classCount: folder.classes.count)
    var progress = TrainingProgress("trials")
    var trialCount = 0
    let fit = try HeadFitter(rules).fit(samples) { step in
      if case .trial = step { trialCount += 1 }
      progress.advance(to: trialCount, of: 0)
    } while: {
      !interruption.hasHappened
    }
    progress.end()
    return fit
  }

  private func judgement(of fit: HeadFit, _ split: DataSplit) throws -> HeadJudgement? {
    let classCount = folder.classes.count
    if !split.heldOut.isEmpty {
      return HeadJudgement(
        images: split.heldOut, logits: try fit.head.logits(matrix(split.heldOut)),
        isCrossValidated: false, split: split, classCount: classCount)
    }
    return fit.crossValidation.map { result in
      HeadJudgement(
        images: result.rows.map { split.learned[$0] }, logits: result.logits,
        isCrossValidated: true, split: split, classCount: classCount)
    }
  }

  private func doubts(
    _ fit: HeadFit, _ output: OutputRule, _ split: DataSplit
  ) -> [HeadJudgement.Doubt] {
    guard let result = fit.crossValidation else { return [] }
    return HeadJudgement.doubts(
      images: result.rows.map { split.learned[$0] }, logits: result.logits, output: output,
      split: split, classCount: folder.classes.count)
  }

  private func provenance(
    _ fit: HeadFit, _ judgement: HeadJudgement?, _ split: DataSplit
  ) throws -> Provenance {
    var provenance = Provenance()
    let digest = try TrainedModel.digest(of: split.learned, split, folder.classes)
    provenance.data =
      "\(split.learned.count) images of \(folder.classes.count) classes in \(folder.path), SHA-256 "
      + digest
    provenance.recipe =
      "resnetd \(Version.number) train: a new last layer on \(parent.name) \(parent.version.short), "
      + "logistic regression by L-BFGS, regularisation \(TrainingReport.number(fit.regularization))"
      + (fit.trials.isEmpty ? "" : " by cross-validation")
      + (settings.smoothing > 0 ? ", label smoothing \(settings.smoothing)" : "")
      + (settings.isBalanced ? ", classes balanced" : "") + ", seed \(settings.seed)"
    provenance.parent = parent.version.hex
    if let judgement, judgement.tally.imageCount > 0 {
      provenance.accuracy = judgement.tally.top1.value
      provenance.evaluationData =
        "\(judgement.tally.imageCount) images "
        + (judgement.isCrossValidated ? "by cross-validation" : "held out")
    }
    if let licence = parent.provenance?.licence {
      provenance.licence = "of the network that training began with: \(licence)"
    }
    provenance.citations = parent.provenance?.citations
    return provenance
  }

  /// Returns images with the logits that the finished model gives for them, after a comparison with
  /// those that it was learned with.
  private func goldenSamples(
    of model: Model, _ split: DataSplit, _ fit: HeadFit
  ) throws -> [GoldenSample]? {
    let classifier = try Classifier(jobs.compiled(model, .fp32), limits: DecodingLimits())
    let decoder = decoders.makeDecoder()
    var samples: [GoldenSample] = []
    for image in GoldenChoice.images(split) {
      guard !interruption.hasHappened else { return nil }
      guard case .bytes(let bytes) = ImageReader.read(folder.images[image.index].image),
        bytes.count <= GoldenChoice.byteCountLimit
      else { continue }
      let logits = try classifier.logits(
        bytes[...], by: decoder, until: .now + .seconds(60)
      ).get()
      var matrix = FeatureMatrix(columnCount: featureCount)
      matrix.append(image.features)
      let learned = try fit.head.logits(matrix)
      let scale = max(1, learned.reduce(0) { max($0, abs($1)) })
      let difference = zip(logits, learned).reduce(0) { max($0, abs($1.0 - $1.1)) }
      guard difference <= GoldenChoice.tolerance * scale else {
        throw Failure(
          "\(split.path(of: image)): the finished model gives other numbers than it was learned with "
            + "(they differ by \(difference)): has the file changed meanwhile?")
      }
      samples.append(GoldenSample(encodedImage: bytes, logits: logits))
    }
    return samples
  }
}

/// Choice of the images by which the finished model proves itself wherever it is loaded.
enum GoldenChoice {
  static let imageCount = 8
  /// Bytes of an image that travels with the model.
  static let byteCountLimit = 512 << 10
  /// Largest difference, relative to the largest logit, of the last layer computed on its own.
  static let tolerance: Float = 1e-3

  /// Returns images of different classes, of those that were held out if there are some.
  static func images(_ split: DataSplit) -> [SurveyedImage] {
    let candidates = split.heldOut.isEmpty ? split.learned : split.heldOut
    var known: Set<Int> = []
    var first = candidates.filter { known.insert(split.label(of: $0)).inserted }
    if first.count > imageCount {
      first = (0..<imageCount).map { first[$0 * first.count / imageCount] }
    }
    return first
  }
}
