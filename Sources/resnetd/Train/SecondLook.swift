import Decoding
import Imaging
import Inference

/// A model's logits for images that were surveyed before, which are read and decoded again: on all
/// threads, in batches.
struct SecondLook {
  /// Makes something of an image: its place among the images, its file, and its logits, finite or
  /// not.
  typealias Worker<Result> = (_ place: Int, _ file: [UInt8], _ logits: [Float]) throws -> Result

  private let job: TrainingJob
  private let model: CompiledModel

  init(_ job: TrainingJob, _ model: CompiledModel) { (self.job, self.model) = (job, model) }

  /// Returns what the workers make of the images, in no particular order, without those that cannot
  /// be read any more. After an interruption it is not complete.
  ///
  /// - Parameter makeWorker: Called once for each thread.
  func results<Result: Sendable>(
    of images: [SurveyedImage], makeWorker: @escaping @Sendable () -> Worker<Result>
  ) throws -> [Result] {
    let partCount = job.jobs.count
    let parts = WorkerThread.parts(partCount, threads: partCount) {
      [self] part, _ -> Swift.Result<[Result], any Error> in
      Swift.Result {
        try results(images, part, of: partCount, makeWorker())
      }
    }
    return try parts.flatMap { try $0.get() }
  }

  private func results<Result>(
    _ images: [SurveyedImage], _ part: Int, of partCount: Int, _ worker: Worker<Result>
  ) throws -> [Result] {
    let classifier = try Classifier(model, limits: job.settings.decoding)
    let decoder = job.decoders.makeDecoder()
    var results: [Result] = []
    var waiting: [(place: Int, file: [UInt8])] = []
    func run() throws {
      guard !waiting.isEmpty else { return }
      _ = try classifier.run(count: waiting.count)
      for (index, (place, file)) in waiting.enumerated() {
        results.append(try worker(place, file, Array(classifier.outputs(at: index))))
      }
      waiting = []
    }
    for place in stride(from: part, to: images.count, by: partCount) {
      guard !job.interruption.hasHappened else { return results }
      let item = job.folder.images[images[place].index].image
      guard case .bytes(let file) = ImageReader.read(item),
        (try? classifier.prepare(
          file[...], at: waiting.count, by: decoder, until: .now + GoldenChoice.timeout)) != nil
      else { continue }
      waiting.append((place, file))
      if waiting.count == classifier.capacity { try run() }
    }
    try run()
    return results
  }
}
