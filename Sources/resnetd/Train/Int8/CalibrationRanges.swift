import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import Serving
import Synchronization

/// Measurement of the ranges of a network's activations, on several threads with one result.
struct CalibrationRanges {
  /// Share of magnitudes that a range holds, as `resnetd quantize` has it.
  static let percentile = QuantizeCommand.Settings().percentile.value

  private let job: TrainingJob
  private let model: Model

  init(_ job: TrainingJob, _ model: Model) { (self.job, self.model) = (job, model) }

  /// A thread's calibrator, with its share of the images.
  private final class Share: Sendable {
    let calibrator: Mutex<Calibrator>
    let images: [SurveyedImage]

    init(_ calibrator: sending Calibrator, _ images: [SurveyedImage]) {
      self.calibrator = Mutex(calibrator)
      self.images = images
    }
  }

  /// Returns the ranges by the names of nodes; nil if it was interrupted.
  func measured(on images: [SurveyedImage]) throws -> [String: Float]? {
    let count = job.jobs.count
    let network = try Calibrator.network(model.graph, model.weights)
    var shares: [Share] = []
    for part in 0..<count {
      let own = images.indices.filter { $0 % count == part }.map { images[$0] }
      shares.append(Share(try Calibrator(network), own))
    }
    guard try pass(shares, by: { try $0.observe($1) }) else { return nil }
    let largest = shares.map { $0.calibrator.withLock(\.largest) }
    for share in shares {
      share.calibrator.withLock { calibrator in
        for others in largest { calibrator.observe(largest: others) }
      }
    }
    guard try pass(shares, by: { try $0.count($1) }) else { return nil }
    let counts = shares.dropFirst().map { $0.calibrator.withLock(\.counts) }
    return shares[0].calibrator.withLock { first in
      for others in counts { first.add(others) }
      return first.ranges(percentile: Self.percentile)
    }
  }

  /// Runs all images once; returns false if it was interrupted.
  private func pass(
    _ shares: [Share], by body: @escaping @Sendable (Calibrator, Span<Float>) throws -> Void
  ) throws -> Bool {
    let results = WorkerThread.parts(shares.count, threads: shares.count) {
      [self] part, _ -> Result<Void, any Error> in
      Result { try run(shares[part], body) }
    }
    for result in results { try result.get() }
    return !job.interruption.hasHappened
  }

  private func run(
    _ share: Share, _ body: (Calibrator, Span<Float>) throws -> Void
  ) throws {
    let preprocessor = ImagePreprocessor(model.preprocessing)
    let decoder = job.decoders.makeDecoder()
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    for image in share.images where !job.interruption.hasHappened {
      let item = job.folder.images[image.index].image
      let outcome = try ImageReader.decode(item, job.decoders) {
        (bytes, deadline) throws(DecodingFailure) in
        var numbers = pixels.mutableSpan
        // SAFETY: the encoding asks for as many bytes as the numbers have, and any bytes are numbers.
        try unsafe numbers.withUnsafeMutableBytes { buffer throws(DecodingFailure) in
          var span = unsafe MutableSpan<UInt8>(_unsafeBytes: buffer)
          try decoder.prepare(bytes.span, by: preprocessor, into: &span, until: deadline)
        }
      }
      switch outcome {
      case .bytes: break
      case .notImage, .failure:
        let reason = if case .failure(let problem) = outcome { ": \(problem.detail)" } else { "" }
        throw Failure("\(item.path): it could be read before and cannot any more\(reason)")
      }
      try share.calibrator.withLock { try body($0, pixels.span) }
    }
  }
}
