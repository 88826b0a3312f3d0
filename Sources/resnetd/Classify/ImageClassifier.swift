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
    /// Numbers by the output rule, what else is wanted, and the overlay's pixels if there is one.
    case output(ImageOutput, pixels: [UInt8])
    case failure(Problem)
    case notImage
    /// The run ends before its bytes have come.
    case left
  }

  private let classifier: Classifier
  private let decoder: any ImageDecoder
  private let source: any DecoderSource
  private let inner: InnerOutputs
  private let overlay: ActivationOverlay?

  /// - Parameters:
  ///   - inner: What is wanted beside the classes.
  ///   - overlay: The pixels of what it shows are prepared too.
  init(
    _ model: CompiledModel, limits: DecodingLimits, _ source: any DecoderSource,
    inner: InnerOutputs, overlay: ActivationOverlay? = nil
  ) throws(Failure) {
    (self.source, self.inner, self.overlay) = (source, inner, overlay)
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
    var waiting: [Waiting] = []
    for (index, image) in images.enumerated() {
      var pixels: [UInt8] = []
      guard let content = try Self.content(of: image) else {
        outcomes[index] = .left
        continue
      }
      let outcome = try ImageReader.decode(content, source) {
        (bytes, deadline) throws(DecodingFailure) in
        try classifier.prepare(bytes[...], at: waiting.count, by: decoder, until: deadline)
        guard let overlay else { return }
        pixels = [UInt8](repeating: 0, count: overlay.preprocessor.outputByteCount)
        var span = pixels.mutableSpan
        try decoder.prepare(
          bytes.span, by: overlay.preprocessor, into: &span, until: deadline)
      }
      switch outcome {
      case .notImage: break
      case .failure(let problem): outcomes[index] = .failure(problem)
      case .bytes: waiting.append(Waiting(index: index, pixels: pixels))
      }
      if waiting.count == classifier.capacity { try run(&waiting, &outcomes) }
    }
    try run(&waiting, &outcomes)
    return outcomes
  }

  /// Returns the bytes of a file or, once they have come, of an object; nil for one that was left.
  private static func content(of image: ListedImage) throws(Failure) -> ImageReader.Outcome? {
    guard let object = image.object else { return ImageReader.read(image) }
    return try object.content()
  }

  /// An image that is prepared to run.
  private struct Waiting {
    let index: Int
    let pixels: [UInt8]
  }

  private func run(_ waiting: inout [Waiting], _ outcomes: inout [Outcome]) throws {
    guard !waiting.isEmpty else { return }
    do throws(EngineError) {
      let outputs = try classifier.run(count: waiting.count, with: inner)
      for (image, output) in zip(waiting, outputs) {
        outcomes[image.index] =
          output.map { .output($0, pixels: image.pixels) }
          ?? .failure(Problem(500, ProblemKind("internal"), Classifier.notFinite.description))
      }
    } catch {
      throw Failure(error.description)
    }
    waiting = []
  }
}
