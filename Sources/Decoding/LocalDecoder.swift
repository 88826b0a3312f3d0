package import Imaging

/// Decodes in this process, on the calling thread: what is begun is not interrupted.
package final class LocalDecoder: ImageDecoder {
  package init() {}

  package func prepare(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) {
    guard ContinuousClock.now < deadline else { throw .deadline }
    do throws(ImagingError) {
      try preprocessor.prepare(encoded, into: &output)
    } catch {
      throw .image(error)
    }
  }
}

/// Decoders in this process, which have nothing in common.
package struct LocalDecoders: DecoderSource {
  package init() {}

  package func makeDecoder() -> any ImageDecoder { LocalDecoder() }
}
