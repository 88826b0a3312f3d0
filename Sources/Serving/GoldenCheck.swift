package import Checkpoint
package import Decoding
package import Engine

/// Whether a compiled model computes what its file says, or anything sensible where the file says nothing.
package struct GoldenCheck {
  /// Largest difference of a logit to a sample's, as a share of the sample's largest one.
  ///
  /// Fp32's leaves room for another decoder's last bit in a pixel. That of the others is what their rounding makes of
  /// deep networks; wrong channels, scales or a wrong order of classes make differences of the logits' own size.
  static func tolerance(_ precision: Precision) -> Float {
    switch precision {
    case .fp32: 5e-3
    case .bf16: 5e-2
    case .int8: 0.2
    }
  }

  /// Logits that are all smaller are compared as if one were as large.
  private static let leastMagnitude: Float = 0.1

  let live: LiveModel
  let classifier: Classifier
  let decoder: any ImageDecoder
  /// Of one picture.
  let decodingTimeout: Duration
  let budget: ProvingBudget
  /// Asked before each picture; true ends the check with `EngineError.cancelled`.
  var isCancelled: @Sendable () -> Bool = { false }
  private let start = ContinuousClock.now

  /// Why a candidate is not taken.
  package enum Fault {
    /// Its numbers are wrong.
    case wrong(String)
    /// It would take too long to find out.
    case slow(String)
    /// It cannot be found out now, or here: memory is missing, or decoders.
    case noMeans(String)

    package var reason: String {
      switch self {
      case .wrong(let reason), .slow(let reason), .noMeans(let reason): reason
      }
    }
  }

  init(
    live: LiveModel, classifier: Classifier, decoder: any ImageDecoder, decodingTimeout: Duration,
    budget: ProvingBudget, isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.live = live
    self.classifier = classifier
    self.decoder = decoder
    self.decodingTimeout = decodingTimeout
    self.budget = budget
    self.isCancelled = isCancelled
  }

  /// What is wrong; nil where every sample gives its logits. `pictures` are run where there are no samples.
  func fault(
    _ samples: [GoldenSample], pictures: [[UInt8]]
  ) throws(EngineError) -> Fault? {
    if samples.isEmpty { return try fault(on: pictures) }
    for (number, sample) in samples.enumerated() {
      if isCancelled() { throw .cancelled }
      switch try logits(of: sample.encodedImage) {
      case .failure(let error):
        return Self.fault(error, "the picture of golden sample \(number): \(error)")
      case .success(let logits):
        if let fault = fault(logits, expected: sample.logits) {
          return .wrong("golden sample \(number): \(fault)")
        }
      }
      if let fault = budget.fault(after: number + 1, spent: .now - start) { return .slow(fault) }
    }
    return nil
  }

  /// No picture may take longer to decode than a request's.
  private func logits(
    of picture: [UInt8]
  ) throws(EngineError) -> Result<[Float], DecodingFailure> {
    try classifier.logits(picture[...], by: decoder, until: .now + decodingTimeout)
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
    let tolerance = Self.tolerance(live.precision)
    guard difference > tolerance * magnitude else { return nil }
    return "a logit differs by \(difference), \(tolerance * magnitude) is allowed in "
      + live.precision.rawValue
  }

  /// Finite logits that depend on the picture and on the class.
  private func fault(on pictures: [[UInt8]]) throws(EngineError) -> Fault? {
    var answers: Set<[Float]> = []
    for (number, picture) in pictures.enumerated() {
      if isCancelled() { throw .cancelled }
      if number > 0, let fault = budget.fault(after: number, spent: .now - start) {
        return .slow(fault)
      }
      let logits: [Float]
      switch try self.logits(of: picture) {
      case .success(let found): logits = found
      // Another model's picture may be of a kind that this one refuses.
      case .failure(.image): continue
      case .failure(let error): return Self.fault(error, "picture \(number): \(error)")
      }
      guard logits.allSatisfy(\.isFinite) else {
        return .wrong("the network gives logits that are not finite")
      }
      guard logits.count == 1 || Set(logits).count > 1 else {
        return .wrong("the network gives every class the same logit")
      }
      answers.insert(logits)
    }
    return answers.count > 1 ? nil : .wrong("the network gives every picture the same logits")
  }
}

extension LiveModel {
  /// How its logits differ from those of its file's samples by more than its precision allows; nil where they do not.
  ///
  /// On the calling thread, without a team.
  package func fault(
    in samples: [GoldenSample], limits: ServingLimits,
    decoders: any DecoderSource = LocalDecoders()
  ) throws(EngineError) -> GoldenCheck.Fault? {
    guard !samples.isEmpty else { return nil }
    let budget = ProvingBudget(limit: limits.provingTimeout, pictureCount: samples.count)
    return try GoldenCheck(
      live: self, classifier: Classifier(self, limits: limits.decoding),
      decoder: decoders.makeDecoder(), decodingTimeout: limits.requestTimeout, budget: budget
    ).fault(samples, pictures: [])
  }
}
