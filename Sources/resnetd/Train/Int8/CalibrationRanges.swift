import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import Serving

/// Measurement of the ranges of a network's activations, on several threads with one result.
struct CalibrationRanges {
  /// Share of magnitudes that a range holds, as `resnetd quantize` has it.
  static let percentile = QuantizeCommand.Settings().percentile.value

  private let job: TrainingJob
  private let model: Model

  init(_ job: TrainingJob, _ model: Model) { (self.job, self.model) = (job, model) }

  /// Returns the ranges by the names of nodes; nil if it was interrupted.
  func measured(on images: [SurveyedImage]) throws -> [String: Float]? {
    let partCount = job.jobs.count
    let network = try Calibrator.network(model.graph, model.weights)
    let parts = WorkerThread.parts(partCount, threads: partCount) {
      [self] part, _ -> Result<Calibrator.Counts, any Error> in
      Result { try counts(images, part, of: partCount, network) }
    }
    var all = Calibrator.Counts()
    for part in parts { all.add(try part.get()) }
    return job.interruption.hasHappened ? nil : all.ranges(percentile: Self.percentile)
  }

  private func counts(
    _ images: [SurveyedImage], _ part: Int, of partCount: Int, _ network: CompiledNetwork
  ) throws -> Calibrator.Counts {
    let calibrator = try Calibrator(network)
    let preprocessor = ImagePreprocessor(model.preprocessing, limits: job.settings.decoding)
    let decoder = job.decoders.makeDecoder()
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    for place in stride(from: part, to: images.count, by: partCount) {
      guard !job.interruption.hasHappened else { break }
      let item = job.folder.images[images[place].index].image
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
      try calibrator.measure(pixels.span)
    }
    return calibrator.counts
  }
}
