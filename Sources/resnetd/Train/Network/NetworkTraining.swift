import Checkpoint
import Engine
import Files
import Imaging
import Inference
import ResNet
import Training

/// Training of a network's layers, all or the last ones: first a new last layer alone, then the
/// others with it, on views of the images that differ in every epoch.
struct NetworkTraining {
  /// Images that are judged at once.
  static let judgedAtOnce = 256

  let job: TrainingJob
  let rule: CanvasRule
  /// Node after which layers are trained; nil for all.
  private let cut: Graph.NodeID?

  init(_ job: TrainingJob) throws {
    self.job = job
    guard job.parent.preprocessing.channelOrder != .bands else {
      throw Failure(
        "\(job.parent.name) takes images of bands, for which only a last layer can be learned: give "
          + "--tune head, and leave out options for the training of layers")
    }
    do throws(ImagingError) { rule = try CanvasRule(job.parent.preprocessing) } catch {
      throw Failure("\(job.parent.name): its layers cannot be trained: \(error.description)")
    }
    cut = try job.settings.lastCount.map { try Self.cut(of: job.parent, lastCount: $0) }
  }

  /// Returns the node that ends the stage before the last `lastCount`.
  private static func cut(of model: Model, lastCount: Int) throws(Failure) -> Graph.NodeID {
    let ends = model.graph.stageEnds
    guard lastCount < ends.count, lastCount > 0 else {
      throw Failure(
        "--tune last:\(lastCount): \(model.name) has \(ends.count) stages, so that 1 to "
          + "\(max(1, ends.count - 1)) can be last ones; --tune all trains all of them")
    }
    return ends[ends.count - 1 - lastCount]
  }

  /// Everything before the first step.
  private struct Beginning {
    var survey: ImageSurvey.Outcome
    var split: DataSplit
    var fit: HeadFit?
    var model: Model
    var recipe: Recipe
    /// Nil once it is over: what it holds is then free for what follows.
    var run: CourseRun?
  }

  /// Returns the model; nil if it was interrupted.
  func run(start: ContinuousClock.Instant) throws -> TrainingResult? {
    guard var beginning = try beginning(start), let finished = try beginning.run?.run() else {
      return nil
    }
    beginning.run = nil
    return try result(
      finished, beginning.model, beginning.survey, beginning.split, beginning.fit, start: start)
  }

  /// Looks for a rate; nil if it was interrupted.
  func searchRate(
    start: ContinuousClock.Instant
  ) throws -> (search: RateSearch, recipe: String)? {
    guard let beginning = try beginning(start),
      let search = try beginning.run?.searchRate()
    else { return nil }
    return (search, beginning.recipe.searchText)
  }

  /// Returns nil if it was interrupted.
  private func beginning(_ start: ContinuousClock.Instant) throws -> Beginning? {
    try TrainingJob.checkMemory(
      rule.canvasByteCount * job.folder.images.count, for: "the pixels of all images",
      remedy: "give the process more memory, learn from fewer images, or use --tune head")
    let survey = ImageSurvey(job.folder.images, TrainingProgress("images"), job.interruption)
    let found = try survey.run(threads: job.jobs.count, batch: 16) { [job, rule] in
      let surveyor = CanvasSurveyor(rule, job.decoders, job.settings.decoding)
      return { try surveyor.survey($0) }
    }
    guard let found else { return nil }
    let split = try job.split(found)
    let isFresh = job.settings.freshArchitecture != nil
    let learned = CanvasImages(split.learned, split, rule)
    let fit = isFresh ? nil : try head(of: learned, split)
    guard isFresh || fit != nil else { return nil }
    let begun = try model(fit)
    let recipe = Recipe(
      job.settings, job.parent.preprocessing, imageCount: split.learned.count,
      classCounts: split.counts(of: split.learned), graph: begun.graph, isFresh: isFresh)
    let run = try CourseRun(self, begun, learned, split, recipe, cut: cut, start: start)
    return Beginning(
      survey: found, split: split, fit: fit, model: begun, recipe: recipe, run: run)
  }

  // MARK: The last layer first

  private func head(of images: CanvasImages, _ split: DataSplit) throws -> HeadFit? {
    let feature: Graph.NodeID
    do throws(FeatureFault) { feature = try job.parent.graph.featureNode() } catch {
      throw Failure("\(job.parent.name): \(error); name another model by --from")
    }
    let body = try FixedNetwork(
      job.parent.graph.before(cut: feature), job.parent.weights, threads: job.jobs.count)
    guard let numbers = try outputs(of: body, images, label: "features") else { return nil }
    let matrix = FeatureMatrix(columnCount: body.outputShape.elementCount, values: numbers)
    return try job.fitHead(job.learnedSamples(matrix, split))
  }

  private func model(_ fit: HeadFit?) throws -> Model {
    let contents = Model.Contents(
      labels: job.folder.classes, preprocessing: job.parent.preprocessing,
      output: job.settings.outputRule)
    guard let fit else { return job.parent }
    return try TrainedModel.model(job.parent, fit.layers, name: job.modelName, contents)
  }

  /// Returns what a network gives for the plain views of images; nil if it was interrupted.
  func outputs(
    of network: FixedNetwork, _ images: CanvasImages, label: String
  ) throws -> [Float]? {
    var progress = TrainingProgress(label)
    var numbers: [Float] = []
    for first in stride(from: 0, to: images.count, by: Self.judgedAtOnce) {
      guard !job.interruption.hasHappened else { return nil }
      let range = first..<min(first + Self.judgedAtOnce, images.count)
      let found = try network.outputs(images.plainViews(range, threads: job.jobs.count))
      guard found.allSatisfy(\.isFinite) else {
        throw Failure(
          "the network gives numbers that are not finite for \(images.names[range.lowerBound]) or one "
            + "of the images after it; a smaller --learning-rate helps most often")
      }
      numbers += found
      progress.advance(to: range.upperBound, of: images.count)
    }
    progress.end()
    return numbers
  }

  // MARK: End

  private func result(
    _ finished: CourseRun.Finished, _ begun: Model, _ found: ImageSurvey.Outcome,
    _ split: DataSplit, _ fit: HeadFit?, start: ContinuousClock.Instant
  ) throws -> TrainingResult? {
    let network = try FixedNetwork(begun.graph, finished.best, threads: job.jobs.count)
    var judgement: HeadJudgement?
    var judged: [Float] = []
    if !split.heldOut.isEmpty {
      let images = CanvasImages(split.heldOut, split, rule)
      guard let logits = try outputs(of: network, images, label: "judgement") else { return nil }
      judged = logits
      judgement = HeadJudgement(
        images: split.heldOut, logits: logits, isCrossValidated: false, split: split,
        classCount: job.classCount)
    }
    var contents = Model.Contents(
      labels: job.folder.classes, preprocessing: job.parent.preprocessing,
      output: judgement?.output ?? job.settings.outputRule,
      provenance: try job.provenance(finished.record.recipe, judgement, split))
    let compiled = try job.jobs.compiled(made(begun, finished.best, contents), .fp32)
    let samples = try job.goldenSamples(of: compiled, split) { images in
      try network.outputs(CanvasImages(images, split, rule).plainViews(0..<1, threads: 1))
    }
    guard let samples else { return nil }
    contents.goldenSamples = samples
    let frames = try FrameComparison.of(compiled, job, split, logits: judged)
    let finishedModel = try made(begun, finished.best, contents)
    guard let int8 = try IntegerTrial(job, split, logits: judged).run(finishedModel) else {
      return nil
    }
    contents.calibration = int8.calibration
    return TrainingResult(
      model: try made(begun, finished.best, contents),
      last: try finished.last.map { last in
        (contents.goldenSamples, contents.calibration) = ([], nil)
        return try made(begun, last, contents)
      }, parentName: job.parentName,
      featureCount: (try? begun.graph.featureNode()).flatMap { node in
        (try? begun.graph.shapes())?[node].elementCount
      } ?? 0, split: split, survey: found, fit: fit, course: finished.record,
      judgement: judgement,
      frames: frames, int8: int8,
      doubts: fit.map { job.doubts($0, contents.output, split) } ?? [],
      duration: .now - start)
  }

  private func made(
    _ begun: Model, _ weights: Weights, _ contents: Model.Contents
  ) throws(Failure) -> Model {
    do throws(CheckpointError) {
      if let architecture = begun.architecture {
        return try Model(
          name: job.modelName, architecture: architecture, weights: weights, contents)
      }
      return try Model(name: job.modelName, graph: begun.graph, weights: weights, contents)
    } catch {
      throw Failure("the model cannot be put together: \(error)")
    }
  }
}
