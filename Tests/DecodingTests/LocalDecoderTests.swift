import Decoding
import Imaging
import Testing

@Suite struct LocalDecoderTests {
  private func prepare(
    _ bytes: [UInt8], until deadline: ContinuousClock.Instant
  ) throws(DecodingFailure) {
    let preprocessor = ImagePreprocessor(.imageNet)
    var output = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
    var span = output.mutableSpan
    try LocalDecoder().prepare(bytes.span, by: preprocessor, into: &span, until: deadline)
  }

  @Test("The failure says what is wrong with an image")
  func fault() {
    #expect(throws: DecodingFailure.image(.unsupportedFormat(.unknown))) {
      try prepare([1, 2, 3], until: .now + .seconds(3600))
    }
  }

  @Test("Nothing is begun after the deadline")
  func deadline() {
    #expect(throws: DecodingFailure.deadline) { try prepare([1, 2, 3], until: .now) }
  }
}
