import Imaging
import Testing

/// Pillow is the reference: decoding must agree to the bit, resampling too.
struct PillowAgreementTests {
  @Test(
    "Every kind of picture decodes to the pixels that Pillow decodes",
    arguments: Fixtures.listing.pictures)
  func decodesAsPillow(picture: Fixtures.Picture) throws {
    let preprocessor = ImagePreprocessor(
      try .unscaled(height: picture.height, width: picture.width))
    let pixels = try preprocessor.prepareBytes(Fixtures.bytes(picture.file))
    let expected = Fixtures.bytes(picture.file + ".rgb")
    #expect(pixels.count == expected.count)
    #expect(largestDifference(pixels, expected) == 0)
  }

  @Test("Resizing gives the pixels that Pillow gives", arguments: Fixtures.listing.resizes)
  func resizesAsPillow(resize: Fixtures.Resize) throws {
    let filter = try #require(ResizeFilter(rawValue: resize.filter))
    let preprocessor = ImagePreprocessor(
      try .plain(.exact(height: resize.height, width: resize.width, filter: filter)))
    let pixels = try preprocessor.prepareBytes(Fixtures.bytes(Fixtures.listing.resizeSource))
    let expected = Fixtures.bytes(resize.file)
    #expect(pixels.count == expected.count)
    #expect(largestDifference(pixels, expected) == 0)
  }
}
