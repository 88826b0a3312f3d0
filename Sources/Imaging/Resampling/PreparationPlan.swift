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
  /// Bytes held at once that grow with the image.
  let byteCount: Int

  /// - Parameter profileByteCount: Bytes that a colour profile takes besides.
  ///
  /// Throws if the contract refuses the image, or if it costs more than the limits allow.
  init(
    _ header: image_codec_header, contract: Preprocessing, limits: DecodingLimits,
    profileByteCount: Int = 0
  ) throws(ImagingError) {
    try Self.checkPolicies(header, contract.policies)
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
      case .drop, .refuse:
        image_codec_backdrop(composes: false, red: 0, green: 0, blue: 0)
      }

    byteCount =
      Self.byteCount(
        header, rows, columns, filter, swapsAxes: orientation.swapsAxes, narrowsFirst: narrowsFirst)
      + profileByteCount
    guard byteCount <= limits.decodedByteCountLimit else {
      throw .decodedByteCount(actual: byteCount, limit: limits.decodedByteCountLimit)
    }
  }

  /// Adds up everything that grows with the image. The factors are at most 2^32 pixels by 2^14, so
  /// that their products cannot overflow once the pixel count has passed its check.
  private static func byteCount(
    _ header: image_codec_header, _ rows: SampleWindow, _ columns: SampleWindow,
    _ filter: ResizeFilter, swapsAxes: Bool, narrowsFirst: Bool
  ) -> Int {
    let transposed = swapsAxes ? 3 * rows.sourceCount * columns.sourceCount : 0
    let keptWidth = narrowsFirst ? columns.count : ResampleWeights.sourceCount(columns, filter)
    let betweenPasses =
      ResampleWeights.sourceCount(rows, filter) * Resampling.stride(pixelCount: keptWidth)
    return Int(header.decoding_byte_count) + 3 * Int(header.width) + transposed + betweenPasses
      + ResampleWeights.byteCount(rows, filter) + ResampleWeights.byteCount(columns, filter)
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
    _ header: image_codec_header, _ policies: ImagePolicies
  ) throws(ImagingError) {
    if policies.alpha == .refuse, header.has_alpha {
      throw .refusedByContract(kind: "transparent")
    }
    if policies.grey == .refuse, header.colour == IMAGE_CODEC_COLOUR_GREY {
      throw .refusedByContract(kind: "grey")
    }
    if policies.cmyk == .refuse, header.colour == IMAGE_CODEC_COLOUR_CMYK {
      throw .refusedByContract(kind: "CMYK")
    }
    if policies.sixteenBit == .refuse, header.bit_depth == 16 {
      throw .refusedByContract(kind: "16-bit")
    }
  }
}
