import Imaging
import Testing

/// Pillow is the reference: decoding must agree to the bit, resampling too.
struct PillowAgreementTests {
  @Test(
    "Every kind of image decodes to the pixels that Pillow decodes",
    arguments: Fixtures.listing.images)
  func decodesAsPillow(image: Fixtures.Image) throws {
    let preprocessor = ImagePreprocessor(
      try .unscaled(height: image.height, width: image.width))
    let pixels = try preprocessor.prepareBytes(Fixtures.bytes(image.file))
    let expected = Fixtures.bytes(image.file + ".rgb")
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
