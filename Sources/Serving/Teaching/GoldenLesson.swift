import Checkpoint
import Decoding
import Engine
import Inference
import Machine
import ResNet

/// Makes the images and logits by which a taught model proves itself wherever it is loaded.
///
/// The network is compiled once more in fp32 for them: golden samples hold for every precision.
struct GoldenLesson {
  static let imageCount = 8
  /// Bytes of an image that travels with the model.
  static let imageByteLimit = 512 << 10
  /// Time for all of them: where memory is short, each would wait for it in turn.
  private static let patience = Duration.seconds(30)

  private let context: ServingContext
  private let turn: SwapTurn

  init(_ context: ServingContext, _ turn: SwapTurn) { (self.context, self.turn) = (context, turn) }

  /// Returns the samples; none if there is no image, or no memory for them.
  func samples(of model: Model, images: [[UInt8]]) throws -> [GoldenSample] {
    guard !images.isEmpty else { return [] }
    let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 1)
    let byteCount = try MemoryEstimate(
      model.graph, precision: .fp32, plan: plan, live: nil
    ).byteCount
    // A decoder without room would wait for it, and nobody gives it back meanwhile.
    let rest = context.decoders.lastingByteCount
    guard let reservation = context.memory.reserve(byteCount, leaving: rest, use: .models) else {
      return []
    }
    defer { _ = reservation }
    let compiled = try CompiledModel(
      model, precision: .fp32, plan: plan, unless: { [turn] in turn.isCancelled })
    let classifier = try Classifier(compiled, limits: context.limits.decoding)
    let decoder = context.decoders.makeDecoder()
    var samples: [GoldenSample] = []
    let deadline = ContinuousClock.now + Self.patience
    for image in images.prefix(Self.imageCount) {
      guard !turn.isCancelled else { throw turn.cancellation }
      let logits = try classifier.logits(image[...], by: decoder, until: deadline)
      guard case .success(let numbers) = logits, numbers.allSatisfy(\.isFinite) else { continue }
      samples.append(GoldenSample(encodedImage: image, logits: numbers))
    }
    return samples
  }

  /// Says what the samples lack.
  func note(_ samples: [GoldenSample], hasExampleImages: Bool) -> String? {
    let advice = "send examples with keep_images=true for some"
    if samples.isEmpty {
      return "no golden samples: no image was kept, or there was no memory for them; \(advice)"
    }
    return hasExampleImages
      ? nil : "the golden samples are images of the model before; \(advice) of the examples"
  }
}
