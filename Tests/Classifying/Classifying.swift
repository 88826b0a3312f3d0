import Decoding
package import Inference

/// Short ways to run a model in tests.
extension Classifier {
  /// Probabilities of one image that is decoded in this process.
  package func classify(_ image: [UInt8]) throws -> [Float] {
    try classify([image[...]], by: LocalDecoder(), until: .later)[0].get()
  }

  /// Logits of one image that is decoded in this process.
  package func logits(_ image: [UInt8]) throws -> [Float] {
    try logits(image[...], by: LocalDecoder(), until: .later).get()
  }
}

extension ContinuousClock.Instant {
  /// An instant that no test reaches.
  package static var later: ContinuousClock.Instant { .now + .seconds(3600) }
}
