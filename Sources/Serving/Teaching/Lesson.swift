import Checkpoint
import Decoding
import Engine
import Files
import Inference
import Machine
import ModelStore
import ResNet
import Synchronization
import Time
import Training

/// What was taught, for the answer.
struct LessonReport: Sendable {
  var keepsClasses = true
  var classCount = 0
  var newLabels: [String] = []
  /// Labels that were taught before, and of which there are no examples any more.
  var removedLabels: [String] = []
  var exampleCount = 0
  var labels: [(label: String, count: Int)] = []
  /// Share of the examples that layers learned without them answer rightly; nil if there are too
  /// few to tell.
  var accuracy: Double?
  var judgedCount = 0
  var regularization = 0.0
  var goldenSampleCount = 0
  /// Why there are no golden samples, or none of the examples.
  var goldenNote: String?
  var duration = Duration.zero
}

/// Learns a last layer from examples and makes a model of it; runs on the thread of low priority that
/// then proves the model.
final class Lesson: Sendable {
  /// The parts of a server that it needs.
  struct Surroundings: Sendable {
    let live: CompiledModel
    let network: LiveNetwork
    let examples: ExampleStore
    let context: ServingContext
    /// Where the model's file is kept; nil if the server keeps none.
    let store: ModelStore?
  }

  private struct State {
    var isOver = false
    var staged: StagedModel?
    var report = LessonReport()
    var unfiled: LiveNetwork.Unfiled?
  }

  let parameters: TeachParameters
  let surroundings: Surroundings
  let turn: SwapTurn
  private let state = Mutex(State())

  init(_ parameters: TeachParameters, _ surroundings: Surroundings, _ turn: SwapTurn) {
    (self.parameters, self.surroundings, self.turn) = (parameters, surroundings, turn)
  }

  var report: LessonReport { state.withLock(\.report) }

  /// The model's file, if it was written.
  var staged: StagedModel? { state.withLock(\.staged) }

  /// What was learned, if the model has no file.
  var unfiled: LiveNetwork.Unfiled? { state.withLock(\.unfiled) }

  func discard() {
    let staged = state.withLock { state in
      state.isOver = true
      return state.staged
    }
    if let staged { surroundings.store?.discard(staged) }
  }

  /// Returns the model, read from its file if the server keeps models.
  ///
  /// - Parameters:
  ///   - memory: Who grants what reading and learning take.
  ///   - foresee: Throws if a model like the given one would not fit beside the live one.
  func run(
    _ memory: LoadingMemory, _ foresee: (Model) throws(SwapFailure) -> Void
  ) throws(SwapFailure) -> Model {
    let start = ContinuousClock.now
    do {
      var report = LessonReport()
      let model = try made(memory, foresee, &report)
      report.duration = .now - start
      state.withLock { [report] in $0.report = report }
      return try filed(model, memory)
    } catch let error as SwapFailure {
      throw error
    } catch let error as Problem {
      throw SwapFailure(step: .read, reason: error.detail, kind: .refused, cause: error)
    } catch let error as CheckpointError {
      throw error == .cancelled ? turn.cancellation : SwapFailure(error)
    } catch let error as EngineError {
      if case .cancelled = error { throw turn.cancellation }
      throw SwapFailure(step: .read, reason: error.description, kind: .internal)
    } catch let error as StoreError {
      throw SwapFailure(error, at: .read, cause: surroundings.context.log.problem(error))
    } catch {
      throw SwapFailure(step: .read, reason: "\(error)", kind: .internal)
    }
  }

  private var interruption: Interruption { Interruption { [turn] in turn.isCancelled } }

  /// Writes the model's file and reads it again: what is proved is what is kept.
  private func filed(_ model: Model, _ memory: LoadingMemory) throws -> Model {
    guard let store = surroundings.store else { return model }
    let result = store.stage { [interruption] body throws(CheckpointError) in
      try model.write { bytes throws(CheckpointError) in
        try interruption.check()
        try body(bytes)
      }
    }
    let staged: StagedModel
    switch result {
    case .success(let made): staged = made
    case .failure(.store(let error)): throw error
    case .failure(.model(let error)): throw error
    }
    let isOver = state.withLock { state in
      state.staged = staged
      return state.isOver
    }
    // Cancelled meanwhile, so nobody will take it.
    if isOver { store.discard(staged) }
    var options = ModelOptions()
    (options.memory, options.interruption) = (memory, interruption)
    return try Model.load(path: staged.path, options: options)
  }

  // MARK: Learning

  private func made(
    _ memory: LoadingMemory, _ foresee: (Model) throws(SwapFailure) -> Void,
    _ report: inout LessonReport
  ) throws -> Model {
    let live = surroundings.live
    let featureCount: Int
    do throws(FeatureFault) { featureCount = try live.featureCount.get() } catch {
      throw Problem(409, .noFeatures, "\(error); nothing can be taught to it")
    }
    let parent = try surroundings.network.model(live, memory, interruption)
    let source = try surroundings.network.source(of: parent, live, featureCount: featureCount)
    let summary = try surroundings.examples.summary()
    let keepsClasses = parameters.keepsClasses && parent.formerHead?.classCount != 0
    let classes = try LessonClasses(
      summary, source, of: parent, keepsClasses: keepsClasses)
    // Learning may take minutes, for a model that then cannot be made live.
    try foresee(parent)
    let lesson = try samples(classes, summary, featureCount, memory)
    let (head, former) =
      keepsClasses
      ? try extended(lesson.samples, parent, featureCount, &report)
      : (try fitted(lesson.samples, &report), FormerHead(classCount: 0))
    try parameters.check(
      accuracy: report.accuracy, of: report.judgedCount, classCount: classes.labels.count)
    report.keepsClasses = keepsClasses
    report.removedLabels = classes.removedLabels
    report.classCount = classes.labels.count
    report.newLabels = classes.newLabels
    report.exampleCount = lesson.samples.count
    report.labels = summary.labels.map { ($0.label, $0.count) }
    var contents = Model.Contents(
      labels: classes.labels, preprocessing: parent.preprocessing,
      output: keepsClasses ? parent.output : OutputRule(activation: .softmax),
      calibration: parent.calibration, provenance: provenance(parent, summary, lesson, report))
    contents.formerHead = former
    let name = parameters.name ?? Self.name(after: parent.name)
    let plain = try parent.withHead(
      name: name, weights: head.weights, bias: head.bias, contents)
    let golden = GoldenLesson(surroundings.context, turn)
    contents.goldenSamples = try golden.samples(
      of: plain, images: lesson.images + parent.goldenSamples.map(\.encodedImage))
    report.goldenSampleCount = contents.goldenSamples.count
    report.goldenNote = golden.note(
      contents.goldenSamples, hasExampleImages: !lesson.images.isEmpty)
    let model = try parent.withHead(
      name: name, weights: head.weights, bias: head.bias, contents)
    if surroundings.store == nil {
      state.withLock { [contents] in
        $0.unfiled = LiveNetwork.Unfiled(
          version: model.version, name: name, weights: head.weights, bias: head.bias,
          contents: contents)
      }
    }
    return model
  }

  /// Examples in memory, and what is told of them.
  private struct Material {
    var samples: HeadSamples
    /// Images of different labels, for golden samples.
    var images: [[UInt8]] = []
    /// SHA-256 of the images with their labels.
    var digest: String
  }

  private func samples(
    _ classes: LessonClasses, _ summary: ExampleStore.Summary, _ featureCount: Int,
    _ memory: LoadingMemory
  ) throws -> Material {
    // The matrix, its scaled copy, and those of the folds.
    let byteCount = summary.count * featureCount * MemoryLayout<Float>.stride * Self.copyCount
    try memory.take(byteCount)
    var features = FeatureMatrix(columnCount: featureCount)
    var labels: [Int] = []
    var digest = try SHA256()
    var images: [String: [UInt8]] = [:]
    var order: [String] = []
    let wantsImage = { (label: String) in
      images[label] == nil && images.count < GoldenLesson.imageCount
    }
    try surroundings.examples.forEach(withImages: wantsImage) { (example) throws(StoreError) in
      guard !turn.isCancelled else { throw .cancelled }
      guard let label = classes.numbers[example.label] else { return }
      features.append(example.features)
      labels.append(label)
      let entry = Array("\(example.digest.hex) \(example.label)\n".utf8)
      // SAFETY: the elements are bytes.
      digest.update(unsafe entry.span.bytes)
      if let image = example.image, images[example.label] == nil,
        images.count < GoldenLesson.imageCount, image.count <= GoldenLesson.imageByteLimit
      {
        images[example.label] = image
        order.append(example.label)
      }
    }
    return Material(
      samples: HeadSamples(features, labels: labels, classCount: classes.labels.count),
      images: order.compactMap { images[$0] }, digest: HexDigits.text(digest.finish()))
  }

  private static let copyCount = 6

  /// Learns a head of the examples' labels alone.
  private func fitted(
    _ samples: HeadSamples, _ report: inout LessonReport
  ) throws -> LinearHead {
    guard let fit = try HeadFitter().fit(samples, while: { [turn] in !turn.isCancelled }) else {
      throw turn.cancellation
    }
    report.accuracy = fit.crossValidation?.accuracy
    report.judgedCount = fit.crossValidation?.rows.count ?? 0
    report.regularization = fit.regularization
    return fit.head
  }

  /// Learns what the examples add to the head that the model had before any lesson, and returns with
  /// it what that knew.
  private func extended(
    _ samples: HeadSamples, _ parent: Model, _ featureCount: Int, _ report: inout LessonReport
  ) throws -> (LinearHead, FormerHead) {
    guard let untaught = try parent.untaughtHead() else {
      throw Problem(
        409, .unteachable,
        "the outputs of \(parent.name) are not those of its last linear layer alone; teach it with "
          + "keep_classes=false")
    }
    let settings = HeadExtender.Settings()
    let head = LinearHead(
      featureCount: featureCount, weights: untaught.weights, bias: untaught.bias)
    let found = try HeadExtender(settings).extend(head, by: samples) { [turn] in !turn.isCancelled }
    guard let found else { throw turn.cancellation }
    report.accuracy = found.accuracy
    report.judgedCount = found.judgedCount
    report.regularization = settings.regularization
    var former = FormerHead(classCount: head.classCount)
    for place in Set(samples.labels).sorted() where place < head.classCount {
      former.changedClasses.append(place)
      former.weights += head.weights[place * featureCount..<(place + 1) * featureCount]
      former.bias.append(head.bias[place])
    }
    return (found.head, former)
  }

  private func provenance(
    _ parent: Model, _ summary: ExampleStore.Summary, _ material: Material, _ report: LessonReport
  ) -> Provenance {
    var provenance = Provenance(after: parent)
    provenance.data =
      "\(material.samples.count) images of \(summary.labels.count) labels, sent to a running "
      + "server, SHA-256 \(material.digest)"
    provenance.recipe =
      "taught: a last layer on \(parent.name) \(parent.version.short), logistic regression by L-BFGS, "
      + "regularisation \(report.regularization)"
      + (report.keepsClasses
        ? ", beside the classes it knew, which prototypes stand for" : " by cross-validation")
    if let accuracy = report.accuracy {
      provenance.accuracy = accuracy
      provenance.evaluationData = "\(report.judgedCount) examples by cross-validation"
    }
    return provenance
  }

  private static let ending = "-taught"

  /// Returns the live model's name with an ending, once.
  private static func name(after name: String) -> String {
    guard !name.hasSuffix(ending) else { return name }
    return String(name.prefix(Model.nameByteCountLimit - ending.count)) + ending
  }
}
