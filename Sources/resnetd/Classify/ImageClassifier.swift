import Decoding
import Engine
import HTTPCore
import Imaging
import Inference
import Serving

/// One thread's means of classifying files: reads, decodes and runs them in batches.
struct ImageClassifier {
  /// What became of a file.
  enum Outcome: Sendable {
    /// Numbers by the output rule, and features if they are wanted.
    case output(ImageOutput)
    case failure(Problem)
    case notImage
  }

  private let classifier: Classifier
  private let decoder: any ImageDecoder
  private let source: any DecoderSource
  private let withFeatures: Bool

  init(
    _ model: CompiledModel, limits: DecodingLimits, _ source: any DecoderSource,
    withFeatures: Bool
  ) throws(Failure) {
    (self.source, self.withFeatures) = (source, withFeatures)
    decoder = source.makeDecoder()
    do throws(EngineError) {
      classifier = try Classifier(model, limits: limits)
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
  }

  /// Returns what became of each file, in their order; one file's bytes are in memory at a time.
  ///
  /// - Throws: An error after which no file can be classified.
  func classify(_ images: [ListedImage]) throws -> [Outcome] {
    var outcomes = [Outcome](repeating: .notImage, count: images.count)
    var waiting: [Int] = []
    for (index, image) in images.enumerated() {
      let outcome = try ImageReader.decode(image, source) {
        (bytes, deadline) throws(DecodingFailure) in
        try classifier.prepare(bytes[...], at: waiting.count, by: decoder, until: deadline)
      }
      switch outcome {
      case .notImage: break
      case .failure(let problem): outcomes[index] = .failure(problem)
      case .bytes: waiting.append(index)
      }
      if waiting.count == classifier.capacity { try run(&waiting, &outcomes) }
    }
    try run(&waiting, &outcomes)
    return outcomes
  }

  private func run(_ waiting: inout [Int], _ outcomes: inout [Outcome]) throws {
    guard !waiting.isEmpty else { return }
    do throws(EngineError) {
      let outputs = try classifier.run(count: waiting.count, withFeatures: withFeatures)
      for (index, output) in zip(waiting, outputs) {
        outcomes[index] =
          output.map(Outcome.output)
          ?? .failure(Problem(500, ProblemKind("internal"), Classifier.notFinite.description))
      }
    } catch {
      throw Failure(error.description)
    }
    waiting = []
  }
}
