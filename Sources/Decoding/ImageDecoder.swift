package import Imaging

/// Makes encoded images a network's input, one after the other; belongs to one thread at a time.
package protocol ImageDecoder: AnyObject {
  /// Writes the image as `preprocessor` does; after an error the bytes of `output` mean nothing.
  ///
  /// - Parameters:
  ///   - deadline: When the result is of no use any more. A decoder that cannot be interrupted ignores it.
  ///   - patience: Processor time that the image may take, or four times as long where the machine is busy; nil for as
  ///     long as it takes.
  /// - Returns: Nil when `output` is written; else the image that takes longer than `patience`, for the caller to go on
  ///   with before it uses this decoder again. A decoder that decodes on the calling thread has no such images.
  func begin(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant,
    patience: Duration?
  ) throws(DecodingFailure) -> UnfinishedImage?

  /// Goes on with the means of an image that was not set aside and is finished.
  func takeBack(_ image: UnfinishedImage)
}

extension ImageDecoder {
  /// `begin` without a limit to the patience.
  package func prepare(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) {
    let unfinished = try begin(
      encoded, by: preprocessor, into: &output, until: deadline, patience: nil)
    precondition(unfinished == nil, "without a limit to the patience nothing is left unfinished")
  }
}

/// Makes decoders, one for each thread that decodes. Any thread may ask.
package protocol DecoderSource: Sendable {
  /// - Parameter overdraws: Whether it takes memory that others hold: for what must not fail.
  func makeDecoder(overdraws: Bool) -> any ImageDecoder

  /// Why no image can be decoded any more; nil while it can.
  var fault: String? { get }
}

extension DecoderSource {
  package func makeDecoder() -> any ImageDecoder { makeDecoder(overdraws: false) }

  package var fault: String? { nil }
}
