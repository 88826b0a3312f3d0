package import Checkpoint
package import Decoding
package import Engine
package import Imaging
import Machine
import Time

/// A check that a compiled model computes what its file says, or anything sensible if the file says
/// nothing.
package struct GoldenCheck {
  /// Returns the largest difference of a logit from a sample's, as a fraction of the sample's
  /// largest logit.
  ///
  /// The tolerance of fp32 allows for another decoder's last bit in a pixel. That of the other
  /// precisions allows for their rounding in deep networks. Wrong channels, scales or a wrong order
  /// of classes make differences as large as the logits.
  static func tolerance(_ precision: Precision) -> Float {
    switch precision {
    case .fp32: 5e-3
    case .bf16: 5e-2
    case .int8: 0.2
    }
  }

  /// Least magnitude of the largest logit: if all are smaller, they are compared as if one had it.
  private static let leastMagnitude: Float = 0.1

  /// Limits on the cost of a check.
  package struct Limits: Sendable {
    package var decoding: DecodingLimits
    /// Time for decoding one image.
    package var decodingTimeout: Duration
    /// Time for all images that the model runs before it serves; nil for no limit.
    package var provingTimeout: Duration?

    package init(decoding: DecodingLimits, decodingTimeout: Duration, provingTimeout: Duration?) {
      self.decoding = decoding
      self.decodingTimeout = decodingTimeout
      self.provingTimeout = provingTimeout
    }
  }

  private let model: CompiledModel
  private let classifier: Classifier
  private let decoder: any ImageDecoder
  private let decodingTimeout: Duration
  private let budget: ProvingBudget
  private let isCancelled: @Sendable () -> Bool
  private let start: ContinuousClock.Instant

  /// Reason why a candidate is rejected.
  package enum Fault {
    /// Its numbers are wrong.
    case wrong(String)
    /// The check would take too long.
    case slow(String)
    /// The check is impossible now or here, for lack of memory or decoders.
    case noMeans(String)

    package var reason: String {
      switch self {
      case .wrong(let reason), .slow(let reason), .noMeans(let reason): reason
      }
    }
  }

  /// Allocates the memory to run the model on one thread, without its team.
  ///
  /// - Parameters:
  ///   - imageCount: Number of images that the model runs before it serves, including those of this
  ///     check.
  ///   - isCancelled: Called before each image; true ends the check with `EngineError.cancelled`.
  package init(
    _ model: CompiledModel, by decoder: any ImageDecoder, limits: Limits, imageCount: Int,
    unless isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(EngineError) {
    self.model = model
    self.decoder = decoder
    self.isCancelled = isCancelled
    classifier = try Classifier(model, limits: limits.decoding)
    decodingTimeout = limits.decodingTimeout
    budget = ProvingBudget(limit: limits.provingTimeout, imageCount: imageCount)
    // The context's own time is not that of images.
    start = .now
  }

  /// Returns the first fault, or nil if every sample gives its logits; runs `images` if there are
  /// no samples.
  package func fault(
    _ samples: [GoldenSample], images: [[UInt8]]
  ) throws(EngineError) -> Fault? {
    if samples.isEmpty { return try fault(on: images) }
    for (number, sample) in samples.enumerated() {
      if isCancelled() { throw .cancelled }
      switch try logits(of: sample.encodedImage) {
      case .failure(let error):
        return Self.fault(error, "the image of golden sample \(number): \(error)")
      case .success(let logits):
        if let fault = fault(logits, expected: sample.logits) {
          return .wrong("golden sample \(number): \(fault)")
        }
      }
      if let fault = budget.fault(after: number + 1, spent: .now - start) { return .slow(fault) }
    }
    return nil
  }

  /// Returns a sample's logits; no image may take longer to decode than a request's.
  private func logits(
    of image: [UInt8]
  ) throws(EngineError) -> Result<[Float], DecodingFailure> {
    try classifier.logits(image[...], by: decoder, until: .now + decodingTimeout)
  }

  private static func fault(_ failure: DecodingFailure, _ reason: String) -> Fault {
    switch failure {
    case .image, .tooSlow, .outgrown, .crashed: .wrong(reason)
    case .deadline: .slow(reason)
    case .noRoom, .tooLarge, .unavailable: .noMeans(reason)
    }
  }

  private func fault(_ logits: [Float], expected: [Float]) -> String? {
    guard logits.allSatisfy(\.isFinite) else {
      return "the network gives logits that are not finite"
    }
    let magnitude = max(expected.map(abs).max() ?? 0, Self.leastMagnitude)
    let difference = zip(logits, expected).map { abs($0 - $1) }.max() ?? 0
    let tolerance = Self.tolerance(model.precision)
    guard difference > tolerance * magnitude else { return nil }
    return "a logit differs by \(difference), \(tolerance * magnitude) is allowed in "
      + model.precision.rawValue
  }

  /// Checks that the logits are finite and depend on the image and on the class.
  private func fault(on images: [[UInt8]]) throws(EngineError) -> Fault? {
    var answers: Set<[Float]> = []
    var acceptedCount = 0
    var rejection = ""
    // A score may be cut off at a bound for images so unlike its own; a class may not.
    let isVarying = model.output.activation == .softmax
    for (number, image) in images.enumerated() {
      if isCancelled() { throw .cancelled }
      if number > 0, let fault = budget.fault(after: number, spent: .now - start) {
        return .slow(fault)
      }
      let logits: [Float]
      switch try self.logits(of: image) {
      case .success(let found): logits = found
      // Another model's image may be of a kind that this one rejects.
      case .failure(.image(let error)):
        rejection = ": \(error)"
        continue
      case .failure(let error): return Self.fault(error, "image \(number): \(error)")
      }
      guard logits.allSatisfy(\.isFinite) else {
        return .wrong("the network gives logits that are not finite")
      }
      acceptedCount += 1
      guard logits.count == 1 || Set(logits).count > 1 || !isVarying else {
        return .wrong("the network gives every class the same logit")
      }
      answers.insert(logits)
    }
    guard acceptedCount > 0 else {
      return .wrong("it rejects all images that it is tried on\(rejection)")
    }
    return answers.count > 1 || acceptedCount == 1 || !isVarying
      ? nil : .wrong("the network gives every image the same logits")
  }
}

/// Time that a candidate may compute before it is live, from its first golden sample to the last
/// batch size.
private struct ProvingBudget {
  /// Time limit, or nil for none.
  let limit: Duration?
  /// Number of all images: golden samples, and those of all batch sizes for every worker.
  let imageCount: Int

  /// Returns the fault if that many images took that long, or nil if the rest should fit in the
  /// remaining time.
  func fault(after count: Int, spent: Duration) -> String? {
    let image = spent / max(count, 1)
    let expected = image * max(imageCount, count)
    guard let limit, expected > limit else { return nil }
    return
      "an image takes \(Self.text(image)): the \(imageCount) before the model is live would take "
      + "\(Self.text(expected)), \(Self.text(limit)) are allowed"
  }

  private static func text(_ duration: Duration) -> String {
    "\(Double(duration.microseconds / 100_000) / 10) s"
  }
}
