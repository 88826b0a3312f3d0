import Checkpoint
import Engine
import Inference
import ResNet
import Training

/// Transfer learning with a frozen network: features of all images once, then a new last layer.
struct HeadTraining {
  private let job: TrainingJob
  private let featureCount: Int
  /// Nil if images are learned from as they are.
  private let views: ViewRule?

  init(_ job: TrainingJob) throws {
    self.job = job
    views = try ViewRule(job)
    let node: Graph.NodeID
    do throws(FeatureFault) { node = try job.parent.graph.featureNode() } catch {
      throw Failure("\(job.parent.name): \(error); name another model by --from")
    }
    featureCount = try job.parent.graph.shapes()[node].elementCount
  }

  /// Returns the model; nil if it was interrupted.
  ///
  /// - Parameter compiled: The model that training begins with, if it has been compiled already.
  func run(
    _ compiled: consuming CompiledModel?, start: ContinuousClock.Instant
  ) throws -> TrainingResult? {
    let storage = try FeatureStorage(job, featureCount: featureCount, views)
    defer { storage.end() }
    TrainingProgress.tell(
      "a new last layer on the \(featureCount) features of \(job.parentName)")
    let found = try survey(
      (consume compiled) ?? job.jobs.compiled(job.parent, .fp32), storage.plain)
    guard let found else { return nil }
    try storage.finishImages(found.images.count)
    let split = try job.split(found)
    var further: FeatureMatrix?
    if let views {
      guard let found = try viewFeatures(of: split, views, storage) else { return nil }
      further = found
    }
    var features = storage.matrix(split.learned)
    if let further { features.append(contentsOf: further) }
    let learned = job.learnedSamples(features, viewCount: viewCount, split)
    let preview = try ridge(learned, split, storage)
    guard let fit = try job.fitHead(learned) else { return nil }
    let logits = try fit.layers.logits(storage.matrix(split.heldOut))
    let judgement = judgement(of: fit, logits, split)
    var contents = Model.Contents(
      labels: job.folder.classes, preprocessing: job.parent.preprocessing,
      output: judgement?.output ?? job.settings.outputRule,
      provenance: try job.provenance(recipe(fit), judgement, split))
    func model() throws -> Model {
      try TrainedModel.model(job.parent, fit.layers, name: job.modelName, contents)
    }
    let finished = try job.jobs.compiled(model(), .fp32)
    let samples = try job.goldenSamples(of: finished, split) {
      try fit.layers.logits(storage.matrix($0))
    }
    guard let samples else { return nil }
    contents.goldenSamples = samples
    let frames = try FrameComparison.of(finished, job, split, logits: logits)
    guard let int8 = try IntegerTrial(job, split, logits: logits).run(model()) else { return nil }
    contents.calibration = int8.calibration
    return TrainingResult(
      model: try model(), last: nil, parentName: job.parentName, featureCount: featureCount,
      split: split, survey: found, fit: fit, preview: preview, viewCount: viewCount,
      reusedCount: storage.reusedCount, course: nil,
      judgement: judgement, frames: frames,
      int8: int8,
      doubts: job.doubts(fit, contents.output, split), duration: .now - start)
  }

  /// Computes the features of all images; nil if it was interrupted.
  private func survey(
    _ compiled: CompiledModel, _ shelf: FeatureShelf?
  ) throws -> ImageSurvey.Outcome? {
    try ImageSurvey(job.folder.images, TrainingProgress("features"), job.interruption).run(
      threads: job.jobs.count, batch: job.jobs.batch(of: compiled),
      keep: { try shelf?.keep(&$0) },
      makeWorker: { [job] in
        var surveyor = try FeatureSurveyor(
          compiled, job.decoders, job.settings.decoding, shelf)
        return { try surveyor.survey($0) }
      })
  }

  private var viewCount: Int { views?.count ?? 0 }

  /// Returns the features of the learned images' views, those of one image after the other; nil if it
  /// was interrupted.
  private func viewFeatures(
    of split: DataSplit, _ rule: ViewRule, _ storage: FeatureStorage
  ) throws -> FeatureMatrix? {
    let node: Graph.NodeID
    do throws(FeatureFault) { node = try job.parent.graph.featureNode() } catch {
      throw Failure("\(job.parent.name): \(error)")
    }
    let body = try FixedNetwork(
      job.parent.graph.before(cut: node), job.parent.weights, threads: 1)
    let images = split.learned.map { job.folder.images[$0.index] }
    let survey = ImageSurvey(images, TrainingProgress("views"), job.interruption)
    let shelf = storage.views
    let found = try survey.run(
      threads: job.jobs.count, batch: 1, keep: { try shelf?.keep(&$0) },
      makeWorker: { [job] in
        let surveyor = try ViewSurveyor(rule, body, job.decoders, job.settings.decoding, shelf)
        return { try surveyor.survey($0) }
      })
    guard let found else { return nil }
    guard found.images.map(\.digest) == split.learned.map(\.digest) else {
      throw Failure(
        "images have changed while their features were computed: leave \(job.folder.path) as it is "
          + "and try again")
    }
    try storage.finishViews()
    return storage.views(of: found.images)
  }

  /// Tells what a head by ridge regression gives, long before the head proper is there.
  private func ridge(
    _ learned: HeadSamples, _ split: DataSplit, _ storage: FeatureStorage
  ) throws -> RidgePreview? {
    let heldOut = job.samples(storage.matrix(split.heldOut), of: split.heldOut, split)
    guard !job.interruption.hasHappened,
      let preview = try RidgePreview(learned, heldOut: heldOut)
    else { return nil }
    TrainingProgress.tell(
      "ridge regression, for a first impression: \(preview.text(split))",
      as: "preview", preview.members)
    return preview
  }

  /// - Parameter logits: For the images held out.
  private func judgement(
    of fit: HeadFit, _ logits: [Float], _ split: DataSplit
  ) -> HeadJudgement? {
    if !split.heldOut.isEmpty {
      return HeadJudgement(
        images: split.heldOut, logits: logits,
        isCrossValidated: false, split: split, classCount: job.classCount)
    }
    return fit.crossValidation.map { result in
      // Each image judges once, whatever copies there are of it.
      var judged: Set<[UInt8]> = []
      let places = result.rows.indices.filter {
        judged.insert(split.learned[result.rows[$0]].digest).inserted
      }
      let classCount = job.classCount
      return HeadJudgement(
        images: places.map { split.learned[result.rows[$0]] },
        logits: places.flatMap { result.logits[$0 * classCount..<($0 + 1) * classCount] },
        isCrossValidated: true, split: split, classCount: classCount)
    }
  }

  private func recipe(_ fit: HeadFit) -> String {
    "a new last layer on \(job.parentName), "
      + (fit.layers.hidden.map { "after one of \($0.classCount) rectified units, " } ?? "")
      + (job.settings.hasIndependentLabels
        ? "a logistic regression for each label" : "logistic regression")
      + (fit.solver == .sgd ? " by SGD" : " by L-BFGS") + ", regularisation "
      + TrainingReport.number(fit.regularization)
      + (fit.trials.isEmpty ? "" : " by cross-validation")
      + (views.map { ", \($0.text)" } ?? "")
  }
}
