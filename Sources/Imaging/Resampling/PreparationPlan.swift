import CImageCodec

/// Plan and cost of preparing one image, known from its header alone.
struct PreparationPlan {
  let orientation: Orientation
  /// Divisor of the image's sides in the decoder; see `scaleDenominator(_:_:)`.
  let scaleDenominator: Int
  /// Axes of the upright image, as decoded.
  let rows: SampleWindow
  let columns: SampleWindow
  let filter: ResizeFilter
  /// Whether the pass along the rows comes first.
  let narrowsFirst: Bool
  let backdrop: image_codec_backdrop
  /// Colour around an image that does not fill the output.
  let fill: Colour
  /// Whether colours become grey, in all three channels, before anything is resized.
  let isGrey: Bool
  /// Form of the pixels.
  let layout: PixelLayout
  /// Whether the sample that is alpha is left out of bands.
  let dropsAlpha: Bool
  /// Bytes held at once that grow with the image.
  let byteCount: Int

  /// - Parameter profileByteCount: Bytes that a colour profile takes besides.
  ///
  /// Throws if the contract refuses the image, or if it costs more than the limits allow.
  init(
    _ header: image_codec_header, contract: Preprocessing, limits: DecodingLimits,
    profileByteCount: Int = 0
  ) throws(ImagingError) {
    try Self.checkPolicies(header, contract)
    layout = try PixelLayout(header, contract)
    dropsAlpha = contract.policies.alpha == .drop && header.alpha_band >= 0
    let width = Int(header.width)
    let height = Int(header.height)
    let (pixelCount, overflows) = width.multipliedReportingOverflow(by: height)
    let limit = min(limits.pixelCountLimit, DecodingLimits.pixelCountCeiling)
    guard !overflows, pixelCount <= limit else {
      throw .pixelCount(width: width, height: height, limit: limit)
    }
    switch contract.policies.exifOrientation {
    case .apply: orientation = Orientation(exifValue: header.orientation)
    case .ignore: orientation = .upright
    }
    let whole = SampleWindow.axes(
      height: orientation.swapsAxes ? width : height,
      width: orientation.swapsAxes ? height : width, contract: contract)
    scaleDenominator =
      contract.exact || !header.is_scalable || contract.resize.filter == .nearest
      ? 1 : Self.scaleDenominator(whole.rows, whole.columns)
    rows = whole.rows.scaled(by: scaleDenominator, isMirrored: orientation.mirrorsRows)
    columns = whole.columns.scaled(by: scaleDenominator, isMirrored: orientation.mirrorsColumns)
    narrowsFirst = SampleWindow.narrowsFirst(rows: rows, columns: columns)
    filter = contract.resize.filter
    if case .letterbox(_, _, _, let colour) = contract.resize {
      fill = colour
    } else {
      fill = .black
    }
    isGrey = contract.channelOrder == .grey
    backdrop =
      switch contract.policies.alpha {
      case .compose(let red, let green, let blue):
        image_codec_backdrop(composes: true, red: red, green: green, blue: blue)
      case .drop, .refuse, .band:
        image_codec_backdrop(composes: false, red: 0, green: 0, blue: 0)
      }

    byteCount =
      Self.byteCount(
        header, layout, rows, columns, filter, swapsAxes: orientation.swapsAxes,
        narrowsFirst: narrowsFirst)
      + profileByteCount
    guard byteCount <= limits.decodedByteCountLimit else {
      throw .decodedByteCount(actual: byteCount, limit: limits.decodedByteCountLimit)
    }
  }

  /// Adds up everything that grows with the image. The factors are at most 2^32 pixels by 2^18, so
  /// that their products cannot overflow once the pixel count has passed its check.
  private static func byteCount(
    _ header: image_codec_header, _ layout: PixelLayout, _ rows: SampleWindow,
    _ columns: SampleWindow, _ filter: ResizeFilter, swapsAxes: Bool, narrowsFirst: Bool
  ) -> Int {
    let pixelByteCount = layout.pixelByteCount
    let transposed = swapsAxes ? pixelByteCount * rows.sourceCount * columns.sourceCount : 0
    let keptWidth = narrowsFirst ? columns.count : ResampleWeights.sourceCount(columns, filter)
    let betweenPasses =
      ResampleWeights.sourceCount(rows, filter) * Resampling.stride(pixelCount: keptWidth, layout)
    let weights =
      ResampleWeights.byteCount(rows, filter) + ResampleWeights.byteCount(columns, filter)
    return Int(header.decoding_byte_count) + pixelByteCount * Int(header.width) + transposed
      + betweenPasses + weights
  }

  /// Returns the largest divisor that leaves both axes at least twice as long as they are resized
  /// to, so that the resize still has the detail it averages. Eighths other than powers of two are
  /// left out: libjpeg-turbo's transforms for them are slower than those of the next power of two,
  /// most even slower than none at all.
  private static func scaleDenominator(_ rows: SampleWindow, _ columns: SampleWindow) -> Int {
    [8, 4, 2].first {
      rows.allows(scaleDenominator: $0) && columns.allows(scaleDenominator: $0)
    } ?? 1
  }

  private static func checkPolicies(
    _ header: image_codec_header, _ contract: Preprocessing
  ) throws(ImagingError) {
    let policies = contract.policies
    if policies.sixteenBit == .refuse, header.bit_depth == 16 {
      throw .refusedByContract(kind: "16-bit")
    }
    guard contract.channelOrder != .bands else { return }
    if policies.alpha == .refuse, header.has_alpha {
      throw .refusedByContract(kind: "transparent")
    }
    if policies.grey == .refuse, header.colour == IMAGE_CODEC_COLOUR_GREY {
      throw .refusedByContract(kind: "grey")
    }
    if policies.cmyk == .refuse, header.colour == IMAGE_CODEC_COLOUR_CMYK {
      throw .refusedByContract(kind: "CMYK")
    }
  }
}

extension PixelLayout {
  /// Samples of an image of colours that may be stored; those beyond the colours and alpha are
  /// passed over.
  private static let colourSampleLimit = 8

  /// Chooses the form of the contract's pixels. Throws if the image has other channels.
  init(_ header: image_codec_header, _ contract: Preprocessing) throws(ImagingError) {
    let expected = contract.channelCount
    let stored = Int(header.sample_count)
    guard contract.channelOrder == .bands else {
      // The first of several bands would pass for a grey image.
      let isGrey = header.colour == IMAGE_CODEC_COLOUR_GREY
      guard stored <= (isGrey ? 2 : Self.colourSampleLimit) else {
        throw .channels(found: stored, expected: expected, .bands)
      }
      self = .colours
      return
    }
    guard header.has_bands else {
      throw .channels(found: header.channelCount, expected: expected, .colours)
    }
    let hasAlpha = header.alpha_band >= 0
    guard !hasAlpha || contract.policies.alpha != .refuse else {
      throw .channels(found: stored, expected: expected, .transparency)
    }
    let found = stored - (hasAlpha && contract.policies.alpha == .drop ? 1 : 0)
    guard found == expected else { throw .channels(found: found, expected: expected, .count) }
    guard header.bit_depth == 16 || contract.range != .word else {
      throw .refusedByContract(kind: "8-bit")
    }
    self = .bands(count: expected, top: header.bit_depth == 16 ? .max : 255)
  }
}

extension image_codec_header {
  /// Channels of the image, alpha among them.
  fileprivate var channelCount: Int {
    guard sample_count == 0 else { return Int(sample_count) }
    let colours =
      switch colour {
      case IMAGE_CODEC_COLOUR_GREY: 1
      case IMAGE_CODEC_COLOUR_CMYK: 4
      default: 3
      }
    return colours + (has_alpha ? 1 : 0)
  }
}
