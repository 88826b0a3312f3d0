import Checkpoint
import Engine
import Inference
import ResNet
import Training

/// Transfer learning with a frozen network: features of all images once, then a new last layer.
struct HeadTraining {
  private let job: TrainingJob
  private let compiled: CompiledModel
  private let featureCount: Int
  /// Nil if images are learned from as they are.
  private let views: ViewRule?

  init(_ job: TrainingJob) throws {
    self.job = job
    views = try ViewRule(job)
    compiled = try job.jobs.compiled(job.parent, .fp32)
    do throws(FeatureFault) { featureCount = try compiled.featureCount.get() } catch {
      throw Failure("\(job.parent.name): \(error); name another model by --from")
    }
  }

  /// Returns the model; nil if it was interrupted.
  func run(start: ContinuousClock.Instant) throws -> TrainingResult? {
    // Those of the survey, of the matrix, and of the folds of cross-validation.
    let perImage =
      4 * MemoryLayout<Float>.stride * (featureCount + job.classCount) * (1 + viewCount)
    try TrainingJob.checkMemory(
      perImage * job.folder.images.count, for: "the features of all images",
      remedy: "give the process more memory, or learn from fewer images"
        + (views == nil ? "" : " or --views"))
    TrainingProgress.tell(
      "a new last layer on the \(featureCount) features of \(job.parentName)")
    let survey = ImageSurvey(job.folder.images, TrainingProgress("features"), job.interruption)
    let found = try survey.run(
      threads: job.jobs.count, batch: job.jobs.batch(of: compiled)
    ) { [compiled, job] in
      let surveyor = try FeatureSurveyor(compiled, job.decoders)
      return { try surveyor.survey($0) }
    }
    guard let found else { return nil }
    let split = try job.split(found)
    var features = matrix(split.learned)
    if let views {
      guard let found = try viewFeatures(of: split, views) else { return nil }
      features.append(contentsOf: found)
    }
    let learned = job.learnedSamples(features, viewCount: viewCount, split)
    let preview = try ridge(learned, split)
    guard let fit = try job.fitHead(learned) else { return nil }
    let logits = try fit.layers.logits(matrix(split.heldOut))
    let judgement = judgement(of: fit, logits, split)
    var contents = Model.Contents(
      labels: job.folder.classes, preprocessing: job.parent.preprocessing,
      output: judgement?.output ?? job.settings.outputRule,
      provenance: try job.provenance(recipe(fit), judgement, split))
    func model() throws -> Model {
      try TrainedModel.model(job.parent, fit.layers, name: job.modelName, contents)
    }
    let samples = try job.goldenSamples(of: model(), split) { try fit.layers.logits(matrix($0)) }
    guard let samples else { return nil }
    contents.goldenSamples = samples
    guard let int8 = try IntegerTrial(job, split, logits: logits).run(model()) else { return nil }
    contents.calibration = int8.calibration
    let frames = try FrameComparison.of(model(), job, split, logits: logits)
    return TrainingResult(
      model: try model(), last: nil, parentName: job.parentName, featureCount: featureCount,
      split: split, survey: found, fit: fit, preview: preview, viewCount: viewCount, course: nil,
      judgement: judgement, frames: frames,
      int8: int8,
      doubts: job.doubts(fit, contents.output, split), duration: .now - start)
  }

  private var viewCount: Int { views?.count ?? 0 }

  /// Returns the features of the learned images' views, those of one image after the other; nil if it
  /// was interrupted.
  private func viewFeatures(of split: DataSplit, _ rule: ViewRule) throws -> FeatureMatrix? {
    let node: Graph.NodeID
    do throws(FeatureFault) { node = try job.parent.graph.featureNode() } catch {
      throw Failure("\(job.parent.name): \(error)")
    }
    let body = try FixedNetwork(
      job.parent.graph.before(cut: node), job.parent.weights, threads: 1)
    let images = split.learned.map { job.folder.images[$0.index] }
    let survey = ImageSurvey(images, TrainingProgress("views"), job.interruption)
    let found = try survey.run(threads: job.jobs.count, batch: 1) { [job] in
      let surveyor = try ViewSurveyor(rule, body, job.decoders)
      return { try surveyor.survey($0) }
    }
    guard let found else { return nil }
    guard found.images.map(\.digest) == split.learned.map(\.digest) else {
      throw Failure(
        "images have changed while their features were computed: leave \(job.folder.path) as it is "
          + "and try again")
    }
    return matrix(found.images)
  }

  /// Tells what a head by ridge regression gives, long before the head proper is there.
  private func ridge(_ learned: HeadSamples, _ split: DataSplit) throws -> RidgePreview? {
    let heldOut = job.samples(matrix(split.heldOut), of: split.heldOut, split)
    guard !job.interruption.hasHappened,
      let preview = try RidgePreview(learned, heldOut: heldOut)
    else { return nil }
    TrainingProgress.tell(
      "ridge regression, for a first impression: \(preview.text(split))",
      as: "preview", preview.members)
    return preview
  }

  private func matrix(_ images: [SurveyedImage]) -> FeatureMatrix {
    var matrix = FeatureMatrix(columnCount: featureCount)
    for image in images {
      matrix.append(contentsOf: .init(columnCount: featureCount, values: image.features))
    }
    return matrix
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
      HeadJudgement(
        images: result.rows.map { split.learned[$0] }, logits: result.logits,
        isCrossValidated: true, split: split, classCount: job.classCount)
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
