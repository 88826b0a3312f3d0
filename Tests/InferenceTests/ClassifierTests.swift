import Checkpoint
import Classifying
import Decoding
import Imaging
import Inference
import Testing

@Suite struct ClassifierTests {
  /// Largest difference of two programs' probabilities if their logits agree within 1e-4.
  private static let tolerance: Float = 1e-4

  private func difference(_ first: [Float], _ second: [Float]) -> Float {
    zip(first, second).map { abs($0 - $1) }.max() ?? .infinity
  }

  @Test("The embedded model's golden samples give the logits that its file says")
  func goldenSamples() throws {
    let model = try Model.embedded(.cifar10)
    let classifier = try Classifier(CompiledModel(model), limits: DecodingLimits())
    for sample in model.goldenSamples {
      let probabilities = try classifier.classify(sample.encodedImage)
      let expected = OutputRule().numbers(sample.logits[...], labelCount: sample.logits.count)
      #expect(difference(probabilities, expected) < Self.tolerance)
    }
  }

  @Test("Neither neighbours nor their faults change an image's answer")
  func neighbours() throws {
    let model = try Model.embedded(.cifar10)
    let classifier = try Classifier(CompiledModel(model), limits: DecodingLimits())
    let images = model.goldenSamples.map(\.encodedImage)
    let alone = try images.map { try classifier.classify($0) }
    // More than one batch, with something that is not an image in every fifth place.
    let many = (0..<23).map { $0 % 5 == 4 ? [0] : images[$0 % images.count] }
    let results = try classifier.classify(
      many.map { $0[...] }, by: LocalDecoder(), until: .later)
    for (index, result) in results.enumerated() {
      switch result {
      case .success(let probabilities):
        #expect(index % 5 != 4)
        #expect(difference(probabilities, alone[index % images.count]) <= 1e-6)
      case .failure(let error):
        #expect(index % 5 == 4 && error == .image(.unsupportedFormat(.zeros)))
      }
    }
  }
}
