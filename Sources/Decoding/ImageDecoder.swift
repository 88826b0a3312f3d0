package import Imaging

/// Turns encoded images into a network's input, one after the other; belongs to one thread at a
/// time.
package protocol ImageDecoder: AnyObject {
  /// Writes the image as `preprocessor` does; after an error the bytes of `output` are undefined.
  ///
  /// - Parameters:
  ///   - deadline: Time from which the result is of no use. A decoder that cannot be interrupted
  ///     looks at it only before it begins.
  ///   - patience: Processor time that the image may take, or four times as long if the machine is
  ///     busy; nil for as long as it takes.
  /// - Returns: Nil if `output` is written; else the image that takes longer than `patience`, which
  ///   the caller must deal with before it uses this decoder again. A decoder on the calling thread
  ///   never returns one.
  func begin(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant,
    patience: Duration?
  ) throws(DecodingFailure) -> UnfinishedImage?

  /// Takes over the process of an image that is finished and was not set aside.
  func takeBack(_ image: UnfinishedImage)
}

extension ImageDecoder {
  /// Decodes an image as `begin` does, with unlimited patience.
  package func prepare(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) {
    let unfinished = try begin(
      encoded, by: preprocessor, into: &output, until: deadline, patience: nil)
    precondition(unfinished == nil, "an image without a limit to the patience must be finished")
  }
}

/// Source of decoders, one for each thread that decodes. Any thread may ask.
package protocol DecoderSource: Sendable {
  /// - Parameter overdraws: Whether the decoder takes its memory even if others hold it: for images
  ///   that must not fail.
  func makeDecoder(overdraws: Bool) -> any ImageDecoder

  /// Reason why no image can be decoded any more; nil while images can be.
  var fault: String? { get }

  /// Bytes of the budget that each decoder takes for its whole life.
  var lastingByteCount: Int { get }
}

extension DecoderSource {
  package func makeDecoder() -> any ImageDecoder { makeDecoder(overdraws: false) }

  package var fault: String? { nil }

  package var lastingByteCount: Int { 0 }
}
