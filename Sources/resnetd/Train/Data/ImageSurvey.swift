import Serving
import Synchronization

/// One pass over all images before anything is learned: decodes each, and keeps its digest, what it
/// looks like, and its features or its pixels.
final class ImageSurvey: Sendable {
  /// Failures that are told on standard error.
  private static let failuresShown = 20

  /// What became of an image.
  enum Product: Sendable {
    case image(SurveyedImage)
    case failure(EvaluatedPart.Failure)
    case notImage
  }

  /// One thread's way to survey images, with their indexes in the folder.
  typealias Worker = ([(index: Int, image: ListedImage)]) throws -> [Product]

  struct Outcome {
    /// In the folder's order.
    var images: [SurveyedImage] = []
    var failures: [EvaluatedPart.Failure] = []
    /// Files without an ending that are not images.
    var notImageCount = 0
  }

  /// Returns what to tell of an image that cannot be learned from.
  ///
  /// - Throws: A problem of this machine, such as missing memory: without its image another model
  ///   would be learned, and nobody would know.
  static func failure(_ problem: Problem, of image: ListedImage) throws(Failure) -> Product {
    guard problem.status < 500 else {
      throw Failure(
        "\(image.path): \(problem.detail); nothing was learned, because the image may be a good one: "
          + "try again, with --jobs 1 if memory is short")
    }
    return .failure(.init(path: image.path, reason: problem.detailForFiles))
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
  ///
  /// - Parameters:
  ///   - batch: Images that a thread takes at once.
  ///   - keep: Takes what need not remain in memory, in the folder's order.
  func run(
    threads: Int, batch: Int,
    keep: @escaping @Sendable (inout SurveyedImage) throws -> Void = { _ in },
    makeWorker: @escaping @Sendable () throws -> Worker
  ) throws -> Outcome? {
    let work = OrderedWork<Int, Product>(threads: threads) { [self] in
      guard !interruption.hasHappened else { return [] }
      return progress.withLock { progress in
        let indexes = progress.next..<min(progress.next + batch, images.count)
        progress.next = indexes.upperBound
        return Array(indexes)
      }
    } makeWorker: { [images] in
      let worker = try makeWorker()
      return { indexes in try worker(indexes.map { ($0, images[$0].image) }) }
    } consume: { [self] products in
      try record(products, keep)
    }
    try work.run()
    return progress.withLock { progress in
      progress.report.end()
      return interruption.hasHappened ? nil : progress.outcome
    }
  }

  private func record(
    _ products: [Product], _ keep: (inout SurveyedImage) throws -> Void
  ) throws {
    try progress.withLock { progress in
      for product in products {
        progress.doneCount += 1
        switch product {
        case .image(var image):
          try keep(&image)
          progress.outcome.images.append(image)
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
