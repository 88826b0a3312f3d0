package import Engine
package import Imaging

/// One worker's means to classify pictures: a context of the network and buffers for a batch.
///
/// Belongs to one thread at a time. Takes no memory after it was made but what decoding a picture takes.
package final class Classifier {
  /// Time spent on a request's pictures.
  package struct Times: Sendable {
    package var decode = Duration.zero
    package var inference = Duration.zero
  }

  private let model: LiveModel
  private let preprocessor: ImagePreprocessor
  private let context: ExecutionContext
  private var input: [Float]
  private var logits: [Float]

  package init(_ model: LiveModel, limits: DecodingLimits) throws(EngineError) {
    self.model = model
    preprocessor = ImagePreprocessor(model.preprocessing, limits: limits)
    context = try ExecutionContext(model.network)
    let batch = model.network.largestBatch
    input = [Float](repeating: 0, count: batch * preprocessor.outputCount)
    logits = [Float](repeating: 0, count: batch * model.network.outputCount)
  }

  /// Runs the network once, so that the first request does not pay for what is done on first use.
  package func warmUp() throws(EngineError) {
    var waiting = [0]
    var results = [Result<[Float], ImagingError>.success([])]
    try run(&waiting, into: &results)
  }

  /// Probabilities `[classes]` of each picture, or why there are none; no picture touches another's answer.
  package func classify(
    _ images: [ArraySlice<UInt8>]
  ) throws(EngineError) -> (results: [Result<[Float], ImagingError>], times: Times) {
    var times = Times()
    var results = images.map { _ in Result<[Float], ImagingError>.success([]) }
    var waiting: [Int] = []
    for (index, image) in images.enumerated() {
      let start = ContinuousClock.now
      do throws(ImagingError) {
        try prepare(image, at: waiting.count)
        waiting.append(index)
      } catch {
        results[index] = .failure(error)
      }
      times.decode += .now - start
      if waiting.count == model.network.largestBatch || index == images.count - 1 {
        let start = ContinuousClock.now
        try run(&waiting, into: &results)
        times.inference += .now - start
      }
    }
    return (results, times)
  }

  private func prepare(_ image: ArraySlice<UInt8>, at place: Int) throws(ImagingError) {
    let count = preprocessor.outputCount
    try Self.withNumbers(place * count..<(place + 1) * count, of: &input) {
      pixels throws(ImagingError) in
      try preprocessor.prepare(image.span, into: &pixels)
    }
  }

  /// Runs the pictures that are waiting in the input.
  private func run(
    _ waiting: inout [Int], into results: inout [Result<[Float], ImagingError>]
  ) throws(EngineError) {
    guard !waiting.isEmpty else { return }
    let classCount = model.network.outputCount
    let pixels = input
    try Self.withNumbers(0..<waiting.count * classCount, of: &logits) {
      output throws(EngineError) in
      try context.run(
        imageCount: waiting.count,
        input: pixels.span.extracting(0..<waiting.count * preprocessor.outputCount),
        logits: &output)
    }
    for (place, index) in waiting.enumerated() {
      let logits = logits[place * classCount..<(place + 1) * classCount]
      guard logits.allSatisfy(\.isFinite) else {
        throw .library("the network gave logits that are not finite")
      }
      results[index] = .success(Ranking.probabilities(logits))
    }
    waiting = []
  }

  private static func withNumbers<Failure: Error>(
    _ range: Range<Int>, of numbers: inout [Float],
    _ body: (inout MutableSpan<Float>) throws(Failure) -> Void
  ) throws(Failure) {
    var all = numbers.mutableSpan
    var part = all._mutatingExtracting(range)
    try body(&part)
  }
}
