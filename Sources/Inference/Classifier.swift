package import Decoding
package import Engine
package import Imaging

/// What a run can give for an image beside its numbers.
package struct InnerOutputs: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  // A bit for each tap of the network, in the order in which `CompiledModel` names them.

  /// Features, for a model that has some.
  package static let features = InnerOutputs(rawValue: 1 << 0)
  /// The last map, for a model with class activation maps.
  package static let lastMap = InnerOutputs(rawValue: 1 << 1)

  /// Place of the tap of a single output.
  fileprivate var tap: Int { rawValue.trailingZeroBitCount }
  fileprivate var taps: Set<Int> {
    Set([InnerOutputs.features, .lastMap].filter(contains).map(\.tap))
  }
}

/// Result of a run for one image.
package struct ImageOutput: Sendable {
  /// Numbers by the model's output rule, one per label.
  package var numbers: [Float]
  /// Features, if they were asked for and are finite: the input of the last linear layer, in fp32.
  package var features: [Float]?
  /// The last map, likewise: `[channels, height, width]`, for `ClassActivation`.
  package var lastMap: [Float]?
}

/// One worker's means of classifying images: a context of the network and buffers for a batch.
///
/// Belongs to one thread at a time. After `init`, only the decoding of an image allocates memory.
package final class Classifier {
  private let model: CompiledModel
  private let preprocessor: ImagePreprocessor
  private let context: ExecutionContext
  /// Images by place, in the network's encoding; an array of bytes is aligned for any number.
  private var input: [UInt8]
  private var logits: [Float]

  /// Makes a classifier that, with `team`, can also run images on the team that the model's plan
  /// has for a lone image.
  package init(
    _ model: CompiledModel, limits: DecodingLimits, team: Bool = false
  ) throws(EngineError) {
    self.model = model
    preprocessor = ImagePreprocessor(
      model.preprocessing, limits: limits, encoding: PixelEncoding(model.network.inputEncoding))
    context = try ExecutionContext(model.network, team: team)
    let batch = model.network.largestBatch
    input = [UInt8](repeating: 0, count: batch * preprocessor.outputByteCount)
    logits = [Float](repeating: 0, count: batch * model.network.outputCount)
  }

  /// Number of images that can be prepared before they must run.
  package var capacity: Int { model.network.largestBatch }

  package var hasTeam: Bool { context.hasTeam }

  /// Runs every batch size once on the calling thread, so that no request pays for first use.
  ///
  /// The team does not run, because another may be running and a process has at most one.
  ///
  /// - Parameter isCancelled: Called before each batch size; true ends it with
  ///   `EngineError.cancelled`.
  package func warmUp(
    unless isCancelled: @Sendable () -> Bool = { false }
  ) throws(EngineError) {
    for count in model.network.batchSizes {
      if isCancelled() { throw .cancelled }
      _ = try run(count: count)
    }
  }

  /// Returns each image's numbers, one per label, by the model's output rule, or its error; no image affects another's answer.
  package func classify(
    _ images: [ArraySlice<UInt8>], by decoder: any ImageDecoder,
    until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> [Result<[Float], DecodingFailure>] {
    var results = images.map { _ in Result<[Float], DecodingFailure>.success([]) }
    var waiting: [Int] = []
    for (index, image) in images.enumerated() {
      do throws(DecodingFailure) {
        try prepare(image, at: waiting.count, by: decoder, until: deadline)
        waiting.append(index)
      } catch {
        results[index] = .failure(error)
      }
      if waiting.count == capacity || index == images.count - 1 {
        for (index, output) in zip(waiting, try run(count: waiting.count)) {
          guard let output else { throw Self.notFinite }
          results[index] = .success(output.numbers)
        }
        waiting = []
      }
    }
    return results
  }

  /// Returns logits `[classes]` of one image as the network gives them, finite or not.
  package func logits(
    _ image: ArraySlice<UInt8>, by decoder: any ImageDecoder,
    until deadline: ContinuousClock.Instant
  ) throws(EngineError) -> Result<[Float], DecodingFailure> {
    do throws(DecodingFailure) {
      try prepare(image, at: 0, by: decoder, until: deadline)
    } catch {
      return .failure(error)
    }
    _ = try run(count: 1)
    return .success(Array(logits[..<model.network.outputCount]))
  }

  /// Decodes and preprocesses an image into a place below `capacity`.
  package func prepare(
    _ image: ArraySlice<UInt8>, at place: Int, by decoder: any ImageDecoder,
    until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) {
    try Self.withNumbers(pixels(of: place), of: &input) { pixels throws(DecodingFailure) in
      try decoder.prepare(image.span, by: preprocessor, into: &pixels, until: deadline)
    }
  }

  /// Begins the same, with limited patience as in `ImageDecoder.begin`.
  package func begin(
    _ image: ArraySlice<UInt8>, at place: Int, by decoder: any ImageDecoder,
    until deadline: ContinuousClock.Instant, patience: Duration?
  ) throws(DecodingFailure) -> UnfinishedImage? {
    var unfinished: UnfinishedImage?
    try Self.withNumbers(pixels(of: place), of: &input) { pixels throws(DecodingFailure) in
      unfinished = try decoder.begin(
        image.span, by: preprocessor, into: &pixels, until: deadline, patience: patience)
    }
    return unfinished
  }

  /// Takes over a finished image.
  package func prepare(_ image: UnfinishedImage, at place: Int) {
    Self.withNumbers(pixels(of: place), of: &input) { image.copyPixels(to: &$0) }
  }

  /// Takes over numbers `[C, H, W]` as preprocessing gives them, all of them finite.
  package func prepare(_ numbers: [Float], at place: Int) {
    Self.withNumbers(pixels(of: place), of: &input) { pixels in
      preprocessor.encode(numbers, into: &pixels)
    }
  }

  /// Returns a prepared image's numbers in the network's encoding.
  package func prepared(at place: Int) -> ArraySlice<UInt8> { input[pixels(of: place)] }

  private func pixels(of place: Int) -> Range<Int> {
    let count = preprocessor.outputByteCount
    return place * count..<(place + 1) * count
  }

  /// Moves a prepared image to an earlier place, overwriting the image there.
  package func move(_ place: Int, to destination: Int) {
    precondition(destination < place, "images move to the front")
    let count = preprocessor.outputByteCount
    for offset in 0..<count { input[destination * count + offset] = input[place * count + offset] }
  }

  /// Returns the outputs for the images in the first places; nil for those that are not finite.
  ///
  /// Runs on the team if there is a deadline, and only while nothing else computes. Without a
  /// deadline, or beyond it, runs on this thread alone.
  ///
  /// - Parameter inner: What else is wanted, which the model must have.
  package func run(
    count: Int, onTeamUntil deadline: ContinuousClock.Instant? = nil, with inner: InnerOutputs = []
  ) throws(EngineError) -> [ImageOutput?] {
    let outputCount = model.network.outputCount
    let wanted = inner.taps
    precondition(
      wanted.allSatisfy(model.network.tapShapes.indices.contains),
      "the model must have what is wanted")
    let taps = wanted.isEmpty ? nil : TapOutputs(wanted)
    let pixels = input
    try Self.withNumbers(0..<count * outputCount, of: &logits) { output throws(EngineError) in
      // SAFETY: the elements are bytes.
      let input = unsafe pixels.span.bytes.extracting(0..<count * preprocessor.outputByteCount)
      if let deadline,
        try context.runOnTeam(
          imageCount: count, input: input, logits: &output, taps: taps, until: deadline)
      {
        return
      }
      try context.run(imageCount: count, input: input, logits: &output, taps: taps)
    }
    return (0..<count).map { place in
      let outputs = logits[place * outputCount..<(place + 1) * outputCount]
      guard outputs.allSatisfy(\.isFinite) else { return nil }
      let inside = { (output: InnerOutputs) -> [Float]? in
        guard inner.contains(output), let taps else { return nil }
        let numbers = Array(taps.numbers(of: output.tap, image: place))
        return numbers.allSatisfy(\.isFinite) ? numbers : nil
      }
      return ImageOutput(
        numbers: model.output.numbers(outputs, labelCount: model.labels.count),
        features: inside(.features), lastMap: inside(.lastMap))
    }
  }

  /// Returns the outputs of the image in a place after a run, as the network gave them.
  package func outputs(at place: Int) -> ArraySlice<Float> {
    let count = model.network.outputCount
    return logits[place * count..<(place + 1) * count]
  }

  /// Error of an image for which `run` has nothing.
  package static let notFinite = EngineError.library("the network gave logits that are not finite")

  private static func withNumbers<Number, Failure: Error>(
    _ range: Range<Int>, of numbers: inout [Number],
    _ body: (inout MutableSpan<Number>) throws(Failure) -> Void
  ) throws(Failure) {
    var all = numbers.mutableSpan
    var part = all._mutatingExtracting(range)
    try body(&part)
  }
}

extension PixelEncoding {
  fileprivate init(_ encoding: InputEncoding) {
    self =
      switch encoding {
      case .planes: .planes
      case .fp32: .fp32
      case .bf16: .bf16
      case .s8(let scale, let zeroPoint): .s8(scale: scale, zeroPoint: zeroPoint)
      }
  }
}
