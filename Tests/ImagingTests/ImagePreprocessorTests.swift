import Imaging
import Testing

/// Crop, padding, normalisation, channel order and the policies.
struct ImagePreprocessorTests {
  @Test(
    "Planes are normalised by mean and std in the stated channel order",
    arguments: [
      (Preprocessing.ChannelOrder.rgb, [0, 1, 2]), (.bgr, [2, 1, 0]),
    ])
  func normalisation(order: Preprocessing.ChannelOrder, channels: [Int]) throws {
    let mean: [Float] = [0.5, 0.25, 0.125]
    let std: [Float] = [0.2, 0.3, 0.4]
    let contract = try Preprocessing(
      resize: .none, crop: .center(height: 21, width: 29), channelOrder: order, mean: mean,
      std: std)
    let planes = try ImagePreprocessor(contract).prepare(Fixtures.bytes("rgb.png"))
    let expected = Fixtures.bytes("rgb.png.rgb")
    for plane in 0..<3 {
      for pixel in 0..<21 * 29 {
        let byte = Float(expected[3 * pixel + channels[plane]])
        #expect(planes[plane * 21 * 29 + pixel] == (byte / 255 - mean[plane]) / std[plane])
      }
    }
  }

  @Test(
    "The crop is the middle, halves rounded to even as in torchvision, or down",
    arguments: [
      // An image of 29 x 21; (29 - 26) / 2 = 1.5 becomes 2, (21 - 16) / 2 = 2.5 becomes 2.
      (CropRule.center(height: 16, width: 26), top: 2, left: 2),
      (.center(height: 21, width: 29), top: 0, left: 0),
      (.center(height: 1, width: 1), top: 10, left: 14),
      (.center(height: 20, width: 28), top: 0, left: 0),
      (.center(height: 16, width: 26, rounding: .down), top: 2, left: 1),
      (.center(height: 18, width: 29, rounding: .down), top: 1, left: 0),
      (.center(height: 1, width: 1, rounding: .down), top: 10, left: 14),
      (.center(height: 16, width: 26, rounding: .floor), top: 2, left: 1),
    ])
  func crop(_ crop: CropRule, top: Int, left: Int) throws {
    let contract = try Preprocessing.plain(.none, crop)
    let (height, width) = contract.outputSize
    let pixels = try ImagePreprocessor(contract).prepareBytes(Fixtures.bytes("rgb.png"))
    let whole = Fixtures.bytes("rgb.png.rgb")
    for y in 0..<height {
      let start = 3 * ((top + y) * 29 + left)
      #expect(
        Array(pixels[3 * width * y..<3 * width * (y + 1)])
          == Array(whole[start..<start + 3 * width]))
    }
  }

  @Test("Too small an image is padded with black, with the odd pixel after it")
  func padding() throws {
    let pixels = try ImagePreprocessor(.unscaled(height: 24, width: 10))
      .prepareBytes(Fixtures.bytes("rgb.png"))
    let whole = Fixtures.bytes("rgb.png.rgb")
    // 24 rows around 21: one before, two after. (29 - 10) / 2 = 9.5 becomes 10.
    for y in 0..<24 {
      let row = Array(pixels[30 * y..<30 * (y + 1)])
      let isPadding = y < 1 || y > 21
      let start = isPadding ? 0 : 3 * ((y - 1) * 29 + 10)
      #expect(
        row == (isPadding ? [UInt8](repeating: 0, count: 30) : Array(whole[start..<start + 30])))
    }
  }

  /// Places as torchvision 0.28 and both processors of transformers 5.24 have them.
  @Test(
    "What is filled up around too small an image is odd after it, or before it",
    arguments: [
      (CropRule.Rounding.halfEven, rows: 1, columns: 2), (.down, rows: 1, columns: 2),
      (.floor, rows: 2, columns: 3),
    ])
  func oddPadding(rounding: CropRule.Rounding, rows: Int, columns: Int) throws {
    let contract = try Preprocessing.plain(
      .none, .center(height: 24, width: 34, rounding: rounding))
    let pixels = try ImagePreprocessor(contract).prepareBytes(Fixtures.bytes("rgb.png"))
    let whole = Fixtures.bytes("rgb.png.rgb")
    for y in 0..<24 {
      var row = [UInt8](repeating: 0, count: 3 * 34)
      if rows..<rows + 21 ~= y {
        let line = whole[3 * 29 * (y - rows)..<3 * 29 * (y - rows + 1)]
        row.replaceSubrange(3 * columns..<3 * (columns + 29), with: line)
      }
      #expect(Array(pixels[3 * 34 * y..<3 * 34 * (y + 1)]) == row)
    }
  }

  @Test(
    "A crop of a resized image is cut from the image resized whole",
    arguments: [
      ResizeFilter.bilinear, .bicubic,
    ])
  func cropOfResized(filter: ResizeFilter) throws {
    let source = Fixtures.bytes("resize-source.png")
    // 97 x 71 by its shorter side to 40: 40 * 97 / 71 = 54.6, truncated to 54.
    let whole = try ImagePreprocessor(.plain(.exact(height: 40, width: 54, filter: filter)))
      .prepareBytes(source)
    let part = try ImagePreprocessor(
      .plain(.shorterSide(size: 40, filter: filter), .center(height: 18, width: 20))
    )
    .prepareBytes(source)
    for y in 0..<18 {
      let start = 3 * ((11 + y) * 54 + 17)
      #expect(Array(part[60 * y..<60 * (y + 1)]) == Array(whole[start..<start + 60]))
    }
  }

  @Test("Images of the wanted size pass an exact resize unchanged")
  func identity() throws {
    let pixels = try ImagePreprocessor(.plain(.exact(height: 21, width: 29, filter: .bicubic)))
      .prepareBytes(Fixtures.bytes("rgb.png"))
    #expect(pixels == Fixtures.bytes("rgb.png.rgb"))
  }

  @Test(
    "Policies refuse what they say",
    arguments: [
      ("rgba.png", "transparent"), ("grey.jpg", "grey"), ("cmyk-adobe.jpg", "CMYK"),
      ("rgb-16.png", "16-bit"), ("rgb-key.png", "transparent"), ("lossy-alpha.webp", "transparent"),
      ("smaller-frame-alpha.webp", "transparent"),
      ("grey-1.png", "grey"),
    ])
  func refusals(file: String, kind: String) throws {
    var policies = ImagePolicies()
    policies.alpha = .refuse
    policies.grey = .refuse
    policies.cmyk = .refuse
    policies.sixteenBit = .refuse
    let preprocessor = ImagePreprocessor(
      try .unscaled(height: 8, width: 8, policies: policies))
    #expect(throws: ImagingError.refusedByContract(kind: kind)) {
      try preprocessor.prepare(Fixtures.bytes(file))
    }
    for file in ["rgb.png", "smaller-frame.webp", "smaller-frame-unflagged.webp"] {
      _ = try preprocessor.prepare(Fixtures.bytes(file))
    }
  }

  @Test("Transparency shows the background, or nothing of it where alpha is dropped")
  func background() throws {
    let bytes = Fixtures.bytes("rgba.png")
    func pixels(_ alpha: ImagePolicies.Alpha) throws -> [UInt8] {
      var policies = ImagePolicies()
      policies.alpha = alpha
      return try ImagePreprocessor(.unscaled(height: 21, width: 29, policies: policies))
        .prepareBytes(bytes)
    }
    let overWhite = try pixels(.compose(red: 255, green: 255, blue: 255))
    let overBlack = try pixels(.compose(red: 0, green: 0, blue: 0))
    #expect(overWhite == Fixtures.bytes("rgba.png.rgb"))
    #expect(try pixels(.drop) == Fixtures.bytes("rgb.png.rgb"))
    #expect(zip(overWhite, overBlack).allSatisfy { $0 >= $1 })
    #expect(overWhite != overBlack)
  }

  @Test("Orientation may be ignored")
  func ignoredOrientation() throws {
    var policies = ImagePolicies()
    policies.exifOrientation = .ignore
    let stored = try ImagePreprocessor(.unscaled(height: 14, width: 23, policies: policies))
      .prepareBytes(Fixtures.bytes("orientation-6.jpg"))
    #expect(stored == Fixtures.bytes("orientation-1.jpg.rgb"))
  }

  @Test("An orientation counts in 16 bits and in 32", arguments: [false, true])
  func widthOfOrientation(isLong: Bool) throws {
    let image = Fixtures.oriented(Fixtures.bytes("photo-420.jpg"), 3, isLong: isLong)
    func pixels(_ rule: ImagePolicies.EXIFOrientation) throws -> [UInt8] {
      var policies = ImagePolicies()
      policies.exifOrientation = rule
      return try ImagePreprocessor(.unscaled(height: 17, width: 17, policies: policies))
        .prepareBytes(image)
    }
    let stored = try pixels(.ignore)
    let reversed = stride(from: stored.count - 3, through: 0, by: -3)
      .flatMap { stored[$0..<$0 + 3] }
    #expect(try pixels(.apply) == reversed)
    #expect(stored != reversed)
  }

  @Test("The versions of the libraries are reported")
  func versions() {
    let names = ["libjpeg-turbo", "libspng", "libwebp", "giflib", "lcms2"]
    #expect(CodecVersions.all.prefix(5).map(\.name) == names)
    #expect(CodecVersions.all.prefix(5).allSatisfy { $0.version.contains(".") })
  }

  @Test("Libraries that may be missing show their version, or the package to install")
  func optionalVersions() {
    let optional = CodecVersions.all.dropFirst(5)
    #expect(optional.map(\.name) == ["libtiff", "libheif", "libdav1d", "libde265"])
    for library in optional {
      let isMissing = library.version.hasPrefix("is not installed (Debian: ")
      #expect(isMissing || library.version.first?.isNumber == true, "\(library)")
    }
  }
}
