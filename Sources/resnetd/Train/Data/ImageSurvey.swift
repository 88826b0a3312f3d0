import Checkpoint
import Decoding
import Engine
import Files
import Imaging
import Inference
import ResNet
import Serving
import Synchronization

/// One pass over all images before anything is learned: decodes each, and keeps its features, its
/// digest and what it looks like.
final class ImageSurvey: Sendable {
  /// Limit of the bytes that features may take in all, unless the machine has less.
  private static let failuresShown = 20

  struct Outcome {
    /// In the folder's order.
    var images: [SurveyedImage] = []
    var failures: [EvaluatedPart.Failure] = []
    /// Files without an ending that are not images.
    var notImageCount = 0
  }

  private struct Progress {
    var outcome = Outcome()
    var report: TrainingProgress
    var doneCount = 0
    var next = 0
  }

  private let images: [TrainingFolder.Image]
  private let progress: Mutex<Progress>
  private let interruption: EndingSignals

  init(
    _ images: [TrainingFolder.Image], _ report: TrainingProgress, _ interruption: EndingSignals
  ) {
    self.images = images
    progress = Mutex(Progress(report: report))
    self.interruption = interruption
  }

  /// Returns what was found; nil if it was interrupted.
  func run(
    _ model: CompiledModel, jobs: ParallelJobs, _ source: any DecoderSource
  ) throws -> Outcome? {
    let batch = jobs.batch(of: model)
    let work = OrderedWork<Int, SurveyWorker.Product>(threads: jobs.count) { [self] in
      guard !interruption.hasHappened else { return [] }
      return progress.withLock { progress in
        let indexes = progress.next..<min(progress.next + batch, images.count)
        progress.next = indexes.upperBound
        return Array(indexes)
      }
    } makeWorker: { [images] in
      let worker = try SurveyWorker(model, source)
      return { indexes in try worker.survey(indexes.map { ($0, images[$0].image) }) }
    } consume: { [self] products in
      record(products)
    }
    try work.run()
    return progress.withLock { progress in
      progress.report.end()
      return interruption.hasHappened ? nil : progress.outcome
    }
  }

  private func record(_ products: [SurveyWorker.Product]) {
    progress.withLock { progress in
      for product in products {
        progress.doneCount += 1
        switch product {
        case .image(let image): progress.outcome.images.append(image)
        case .notImage: progress.outcome.notImageCount += 1
        case .failure(let failure):
          progress.outcome.failures.append(failure)
          tell(failure, &progress)
        }
      }
      progress.report.advance(to: progress.doneCount, of: images.count)
    }
  }

  private func tell(_ failure: EvaluatedPart.Failure, _ progress: inout Progress) {
    let count = progress.outcome.failures.count
    guard count <= Self.failuresShown else { return }
    progress.report.tell(
      "\(PlainText.line(failure.path)): \(PlainText.line(failure.reason)); left out")
    if count == Self.failuresShown {
      progress.report.tell("further images that cannot be read are only counted")
    }
  }
}

/// One thread's part of a survey.
struct SurveyWorker {
  enum Product: Sendable {
    case image(SurveyedImage)
    case failure(EvaluatedPart.Failure)
    case notImage
  }

  private let classifier: Classifier
  private let decoder: any ImageDecoder
  private let source: any DecoderSource
  private let inputShape: FeatureShape

  /// - Parameter model: In fp32, so that its input is plain numbers.
  init(_ model: CompiledModel, _ source: any DecoderSource) throws {
    precondition(model.precision == .fp32, "the model must be in fp32")
    classifier = try Classifier(model, limits: DecodingLimits())
    decoder = source.makeDecoder()
    self.source = source
    inputShape = model.network.inputShape
  }

  func survey(_ images: [(index: Int, image: ListedImage)]) throws -> [Product] {
    var products: [Product?] = images.map { _ in nil }
    var waiting: [(place: Int, image: SurveyedImage)] = []
    for (place, item) in images.enumerated() {
      switch ImageReader.read(item.image) {
      case .notImage: products[place] = .notImage
      case .failure(let problem):
        products[place] = .failure(.init(path: item.image.path, reason: problem.detail))
      case .bytes(let bytes):
        do throws(DecodingFailure) {
          try classifier.prepare(
            bytes[...], at: waiting.count, by: decoder,
            until: .now + ServingLimits().requestTimeout)
        } catch {
          if case .unavailable = error, let fault = source.fault { throw Failure(fault) }
          products[place] = .failure(
            .init(path: item.image.path, reason: error.description))
          continue
        }
        waiting.append(
          (
            place,
            SurveyedImage(
              index: item.index, digest: try Self.digest(of: bytes),
              likeness: Likeness(numbers(at: waiting.count), inputShape), features: [])
          ))
      }
      if waiting.count == classifier.capacity { try run(&waiting, images, &products) }
    }
    try run(&waiting, images, &products)
    return products.compactMap(\.self)
  }

  private func run(
    _ waiting: inout [(place: Int, image: SurveyedImage)],
    _ images: [(index: Int, image: ListedImage)], _ products: inout [Product?]
  ) throws {
    guard !waiting.isEmpty else { return }
    let outputs = try classifier.run(count: waiting.count, withFeatures: true)
    for ((place, image), output) in zip(waiting, outputs) {
      guard let features = output?.features else {
        products[place] = .failure(
          .init(
            path: images[place].image.path,
            reason: "the network gave features that are not finite"))
        continue
      }
      var image = image
      image.features = features
      products[place] = .image(image)
    }
    waiting = []
  }

  private static func digest(of bytes: [UInt8]) throws -> [UInt8] {
    var digest = try SHA256()
    // SAFETY: the elements are bytes.
    digest.update(unsafe bytes.span.bytes)
    return digest.finish()
  }

  private func numbers(at place: Int) -> [Float] {
    let bytes = classifier.prepared(at: place)
    var numbers = [Float](repeating: 0, count: bytes.count / MemoryLayout<Float>.stride)
    // SAFETY: any bytes are numbers, and there are as many as the numbers have.
    unsafe numbers.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes) }
    return numbers
  }
}
