import Checkpoint
import Decoding
import Engine
import Files
import Imaging
import Inference
import Machine
import ResNet
import Training

/// What every way of training begins and ends with.
struct TrainingJob {
  let folder: TrainingFolder
  /// Model that training begins with; one of fresh weights if it begins from scratch.
  let parent: Model
  let settings: TrainSettings
  let jobs: ParallelJobs
  let decoders: any DecoderSource
  let interruption: EndingSignals

  var classCount: Int { folder.classes.count }
  var parentName: String { "\(parent.name) \(parent.version.short)" }

  // MARK: Beginning

  func tellFolder() {
    for note in folder.notes { TrainingProgress.tell(note) }
    TrainingProgress.tell(
      "\(Decimal.grouped(folder.images.count)) files of \(Decimal.grouped(classCount)) "
        + (settings.hasIndependentLabels ? "independent labels: " : "classes: ")
        + TrainingFolder.shown(folder.classes))
    if let note = LikeNames.note(of: folder.classes) { TrainingProgress.tell(note) }
  }

  func split(_ survey: ImageSurvey.Outcome) throws -> DataSplit {
    var split = try DataSplit(
      folder, survey.images,
      .init(
        heldOutShare: settings.heldOutShare, seed: UInt64(settings.seed),
        grouping: settings.grouping, hasIndependentLabels: settings.hasIndependentLabels))
    if folder.isDivided, settings.heldOutShare != TrainSettings().heldOutShare {
      TrainingProgress.tell(
        "--held-out does nothing: the folder itself says which images are held out")
    }
    if let note = learnedNote(split) { split.notes.append(note) }
    for note in split.notes { TrainingProgress.tell(note) }
    warnOfImbalance(split)
    return split
  }

  /// Returns a sentence about images that judge the result and were learned by the model that training
  /// begins with, as far as its file tells.
  private func learnedNote(_ split: DataSplit) -> String? {
    guard let text = parent.provenance?.learnedSample, let sample = LearnedSample(text: text) else {
      return nil
    }
    let judging = split.heldOut.isEmpty ? split.learned : split.heldOut
    var learned = LearnedImages()
    for image in judging { learned.record(digest: image.digest, sample) }
    return learned.note(of: judging.count, by: "--from: \(parent.name)")
      .map { "images that judge the result: " + $0 }
  }

  /// Throws if the model that training begins with does not compute what its file says.
  ///
  /// - Returns: The model as it was compiled for that; nil if its file says nothing.
  func checkParent() throws -> CompiledModel? {
    guard !parent.goldenSamples.isEmpty else { return nil }
    let compiled = try jobs.compiled(parent, .fp32)
    let check = try GoldenCheck(
      compiled, by: decoders.makeDecoder(),
      limits: .init(
        decoding: .init(), decodingTimeout: GoldenChoice.timeout, provingTimeout: nil),
      imageCount: parent.goldenSamples.count,
      unless: { [interruption] in interruption.hasHappened })
    let fault: GoldenCheck.Fault?
    do throws(EngineError) { fault = try check.fault(parent.goldenSamples, images: []) } catch {
      // A signal ends what follows.
      if case .cancelled = error { return compiled }
      throw Failure("\(parentName) cannot be tried on its file's golden samples: \(error)")
    }
    switch fault {
    case nil: return compiled
    case .noMeans(let reason), .slow(let reason):
      throw Failure(
        "\(parentName) cannot be tried on its file's golden samples: \(reason); allow the program "
          + "more memory, or name another model by --from")
    case .wrong(let reason):
      throw Failure(
        "\(parentName) does not compute what its file says: \(reason); take an undamaged copy of the "
          + "file, or name another model by --from")
    }
  }

  private func warnOfImbalance(_ split: DataSplit) {
    let counts = split.counts(of: split.learned)
    guard !settings.isBalanced, !split.hasIndependentLabels, let most = counts.max(),
      let least = counts.min(),
      most > 5 * max(least, 1)
    else { return }
    TrainingProgress.tell(
      "the largest class has \(Decimal.grouped(most)) images, the smallest "
        + "\(Decimal.grouped(least)): rare classes will be answered too seldom; --balance lets each "
        + "weigh the same")
  }

  /// Bytes that may be taken; nil if nothing tells. Some are left for what libraries take by
  /// themselves, which do not all survive a refusal.
  static var availableByteCount: Int? {
    MemoryAllowance.free.map { max(0, $0 - libraryByteCount) }
  }

  private static let libraryByteCount = 96 << 20

  /// Throws if so many bytes are not free.
  static func checkMemory(_ wanted: Int, for what: String, remedy: String) throws(Failure) {
    try checkMemory(wanted, leaving: libraryByteCount, for: what, remedy: remedy)
  }

  /// Throws if so many bytes are not free beside those that libraries take by themselves.
  static func checkMemory(
    _ wanted: Int, leaving rest: Int, for what: String, remedy: String
  ) throws(Failure) {
    guard let free = MemoryAllowance.free, wanted > free - rest else { return }
    throw Failure(
      "\(what) take about \(wanted >> 20) MiB beside \(rest >> 20) MiB for libraries, and "
        + "\(free >> 20) MiB are free; \(remedy)")
  }

  // MARK: The last layer

  /// Returns what a last layer is learned from.
  ///
  /// - Parameters:
  ///   - features: In the order of the split's learned images; then those of their views.
  ///   - viewCount: Views of each image, which follow each other.
  func learnedSamples(
    _ features: FeatureMatrix, viewCount: Int = 0, _ split: DataSplit
  ) -> HeadSamples {
    // The images, then each as often as there are views of it.
    let places =
      Array(split.learned.indices)
      + split.learned.indices.flatMap { [Int](repeating: $0, count: viewCount) }
    return samples(
      features, of: places.map { split.learned[$0] }, groups: places.map { split.groups[$0] },
      plainCount: split.learned.count, split)
  }

  func samples(
    _ features: FeatureMatrix, of images: [SurveyedImage], groups: [Int]? = nil,
    plainCount: Int? = nil, _ split: DataSplit
  ) -> HeadSamples {
    HeadSamples(
      features, labels: images.map { split.label(of: $0) }, groups: groups,
      classCount: classCount,
      targets: split.hasIndependentLabels ? images.flatMap { split.targets(of: $0) } : nil,
      plainCount: plainCount)
  }

  /// Learns a last layer; nil if it was interrupted.
  func fitHead(_ samples: HeadSamples) throws -> HeadFit? {
    var rules = HeadSettings()
    rules.regularization = settings.regularization
    rules.smoothing = Double(settings.smoothing)
    rules.isBalanced = settings.isBalanced
    rules.seed = UInt64(settings.seed)
    rules.threads = jobs.count
    rules.hiddenCount = settings.head.hiddenCount
    rules.solver = settings.head.solver ?? (rules.hiddenCount == nil ? .lbfgs : .sgd)
    var progress = TrainingProgress("trials")
    var trialCount = 0
    let report = { (step: HeadFitter.Progress) in
      if case .trial = step { trialCount += 1 }
      progress.advance(to: trialCount, of: 0)
    }
    let fit = try HeadFitter(rules).fit(samples, progress: report) { !interruption.hasHappened }
    progress.end()
    return fit
  }

  func doubts(
    _ fit: HeadFit, _ output: OutputRule, _ split: DataSplit
  ) -> [HeadJudgement.Doubt] {
    guard let result = fit.crossValidation, !split.hasIndependentLabels else { return [] }
    return HeadJudgement.doubts(
      images: result.rows.map { split.learned[$0] }, logits: result.logits, output: output,
      split: split, classCount: classCount)
  }

  // MARK: End

  var modelName: String { settings.parts.name ?? TrainedModel.name(of: settings.output ?? "") }

  /// - Parameter recipe: How the parameters were learned.
  func provenance(
    _ recipe: String, _ judgement: HeadJudgement?, _ split: DataSplit
  ) throws -> Provenance {
    var provenance =
      settings.freshArchitecture == nil ? Provenance(after: parent) : Provenance()
    provenance.data =
      "\(split.learned.count) images of \(classCount) "
      + (split.hasIndependentLabels ? "labels" : "classes") + " in \(folder.path), SHA-256 "
      + (try TrainedModel.digest(of: split.learned, split, folder.classes))
    provenance.learnedSample = LearnedSample(of: split.learned.map(\.digest)).text
    provenance.recipe =
      "resnetd \(Version.number) train: \(recipe)"
      + (split.hasIndependentLabels ? ", independent labels" : "")
      + (settings.smoothing > 0 ? ", label smoothing \(settings.smoothing)" : "")
      + (settings.isBalanced && !settings.samplesEvenly ? ", classes balanced" : "")
      + ", seed \(settings.seed)"
    if let judgement, judgement.tally.imageCount > 0 {
      provenance.accuracy = judgement.tally.top1.value
      provenance.evaluationData =
        "\(judgement.tally.imageCount) images "
        + (judgement.isCrossValidated ? "by cross-validation" : "held out")
    }
    return provenance
  }

  /// Returns images with the logits that the finished model gives for them, compared with those that
  /// training computed; nil if it was interrupted.
  func goldenSamples(
    of model: CompiledModel, _ split: DataSplit, expected: ([SurveyedImage]) throws -> [Float]
  ) throws -> [GoldenSample]? {
    let classifier = try Classifier(model, limits: DecodingLimits())
    let decoder = decoders.makeDecoder()
    var samples: [GoldenSample] = []
    for image in GoldenChoice.images(split) {
      guard !interruption.hasHappened else { return nil }
      guard case .bytes(let bytes) = ImageReader.read(folder.images[image.index].image),
        bytes.count <= GoldenChoice.byteCountLimit
      else { continue }
      let logits: [Float]
      switch try classifier.logits(
        bytes[...], by: decoder, until: .now + GoldenChoice.timeout)
      {
      case .success(let numbers): logits = numbers
      // A server with the usual limits must be able to decode it.
      case .failure(.image(.pixelCount)): continue
      case .failure(let fault):
        throw Failure(
          "\(split.path(of: image)): it could be used before and cannot any more: \(fault); has the "
            + "file changed meanwhile?")
      }
      let wanted = try expected([image])
      let scale = max(1, wanted.reduce(0) { max($0, abs($1)) })
      let difference = zip(logits, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
      guard difference <= GoldenChoice.tolerance * scale else {
        throw Failure(
          "\(split.path(of: image)): the finished model gives other numbers than training computed "
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
  /// Time for decoding one image.
  static let timeout = Duration.seconds(60)
  /// Largest difference, relative to the largest logit, of what was computed layer by layer.
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

extension MemoryAllowance {
  /// Bytes that this process may still take; nil if nothing tells.
  static var free: Int? { [available, addressSpace].compactMap(\.self).min() }
}
