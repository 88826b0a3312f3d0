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

  @Test("A letterbox gives the pixels of ImageOps.pad", arguments: Fixtures.listing.letterboxes)
  func padsAsPillow(resize: Fixtures.Resize) throws {
    let filter = try #require(ResizeFilter(rawValue: resize.filter))
    let fill = try #require(resize.fill)
    let preprocessor = ImagePreprocessor(
      try .plain(
        .letterbox(
          height: resize.height, width: resize.width, filter: filter,
          fill: Colour(red: fill[0], green: fill[1], blue: fill[2]))))
    let pixels = try preprocessor.prepareBytes(Fixtures.bytes(Fixtures.listing.resizeSource))
    #expect(pixels == Fixtures.bytes(resize.file))
  }

  @Test("Grey input is what convert and resize give", arguments: Fixtures.listing.greys)
  func greyAsPillow(resize: Fixtures.Resize) throws {
    let filter = try #require(ResizeFilter(rawValue: resize.filter))
    let preprocessor = ImagePreprocessor(
      try Preprocessing(
        resize: .exact(height: resize.height, width: resize.width, filter: filter), crop: .none,
        channelOrder: .grey, mean: [0], std: [1]))
    let pixels = try preprocessor.prepareBytes(Fixtures.bytes(Fixtures.listing.resizeSource))
    #expect(pixels == Fixtures.bytes(resize.file))
  }

  @Test("The colour around a letterbox of a grey input is grey too, of the same formula")
  func greyFill() throws {
    let preprocessor = ImagePreprocessor(
      try Preprocessing(
        resize: .letterbox(
          height: 9, width: 1, filter: .box, fill: Colour(red: 200, green: 10, blue: 100)),
        crop: .none, channelOrder: .grey, mean: [0], std: [1]))
    let pixels = try preprocessor.prepareBytes(Fixtures.bytes(Fixtures.listing.resizeSource))
    // (200 * 19595 + 10 * 38470 + 100 * 7471 + 0x8000) >> 16
    #expect(pixels.count == 9 && pixels[0] == 77 && pixels[8] == 77 && pixels[4] != 77)
  }

  @Test("A JPEG is decoded whole for the filter nearest, which would pick other pixels otherwise")
  func nearestIsExact() throws {
    let image = Fixtures.bytes("photo-420.jpg")
    let pixels = try [false, true].map { exact in
      try ImagePreprocessor(
        .plain(.exact(height: 9, width: 13, filter: .nearest), exact: exact)
      )
      .prepareBytes(image)
    }
    #expect(pixels[0] == pixels[1])
  }
}
