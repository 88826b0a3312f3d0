package import Imaging

/// Makes encoded images a network's input, one after the other; belongs to one thread at a time.
package protocol ImageDecoder: AnyObject {
  /// Writes the image as `preprocessor` does; after an error the bytes of `output` mean nothing.
  ///
  /// - Parameter deadline: When the result is of no use any more. A decoder that cannot be interrupted ignores it.
  func prepare(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure)
}

/// Makes decoders, one for each thread that decodes. Any thread may ask.
package protocol DecoderSource: Sendable {
  func makeDecoder() -> any ImageDecoder

  /// Why no image can be decoded any more; nil while it can.
  var fault: String? { get }
}

extension DecoderSource {
  package var fault: String? { nil }
}
