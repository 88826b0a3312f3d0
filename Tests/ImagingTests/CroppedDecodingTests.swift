import Imaging
import Testing

/// Only the columns that a crop needs are decoded; their pixels are those of the whole image.
struct CroppedDecodingTests {
  private static let files = ["420", "422", "444", "progressive", "grey", "cmyk", "ycck"].map {
    "photo-\($0).jpg"
  }

  /// Columns of the middle of an image of `width` columns, as in torchvision's `CenterCrop`.
  private static func middle(
    of pixels: [UInt8], height: Int, width: Int, cropHeight: Int, cropWidth: Int
  ) -> [UInt8] {
    let top = Int((Double(height - cropHeight) / 2).rounded(.toNearestOrEven))
    let left = Int((Double(width - cropWidth) / 2).rounded(.toNearestOrEven))
    var cut: [UInt8] = []
    for y in top..<top + cropHeight {
      let start = 3 * (y * width + left)
      cut += pixels[start..<start + 3 * cropWidth]
    }
    return cut
  }

  @Test("A crop of any width has the pixels of the whole image", arguments: files)
  func unscaled(file: String) throws {
    let (height, width) = (157, 211)
    let image = Fixtures.bytes(file)
    let whole = try ImagePreprocessor(.unscaled(height: height, width: width))
      .prepareBytes(image)
    for cropWidth in stride(from: 1, through: width, by: 3) {
      let pixels = try ImagePreprocessor(.unscaled(height: 12, width: cropWidth))
        .prepareBytes(image)
      let expected = Self.middle(
        of: whole, height: height, width: width, cropHeight: 12, cropWidth: cropWidth)
      #expect(pixels == expected, "\(cropWidth) columns")
    }
  }

  @Test(
    "A crop of a resized image is cut from the image resized whole, at every scale",
    arguments: files, [(height: 9, width: 13), (19, 26), (39, 52), (60, 80)])
  func resized(file: String, size: (height: Int, width: Int)) throws {
    let image = Fixtures.bytes(file)
    let rule = ResizeRule.exact(height: size.height, width: size.width, filter: .bilinear)
    for exact in [false, true] {
      let whole = try ImagePreprocessor(.plain(rule, exact: exact)).prepareBytes(image)
      for cropWidth in 1...size.width {
        let crop = CropRule.center(height: 7, width: cropWidth)
        let pixels = try ImagePreprocessor(.plain(rule, crop, exact: exact))
          .prepareBytes(image)
        let expected = Self.middle(
          of: whole, height: size.height, width: size.width, cropHeight: 7, cropWidth: cropWidth)
        #expect(pixels == expected, "\(cropWidth) columns, exact: \(exact)")
      }
    }
  }

  @Test("A crop of a turned image is cut from the image turned whole", arguments: 1...8)
  func turned(orientation: Int) throws {
    let image = Fixtures.oriented(Fixtures.bytes("photo-420.jpg"), UInt8(orientation))
    let swaps = orientation >= 5
    let (height, width) = swaps ? (26, 19) : (19, 26)
    let rule = ResizeRule.exact(height: height, width: width, filter: .bilinear)
    let whole = try ImagePreprocessor(.plain(rule)).prepareBytes(image)
    for side in 1...18 {
      let crop = CropRule.center(height: side, width: 19 - side)
      let pixels = try ImagePreprocessor(.plain(rule, crop)).prepareBytes(image)
      let expected = Self.middle(
        of: whole, height: height, width: width, cropHeight: side, cropWidth: 19 - side)
      #expect(pixels == expected, "\(side) rows")
    }
  }
}
