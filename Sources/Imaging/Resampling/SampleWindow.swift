/// One axis on the way from the decoded image to the network's input: resized, then cropped or
/// padded.
struct SampleWindow: Hashable {
  /// Pixels of the upright decoded image.
  private(set) var sourceCount: Int
  /// Start and length of the image itself among these pixels. It is shorter than `sourceCount` if
  /// the decoder scales down: the last stored pixel may then stand for less than a whole one.
  private(set) var sourceStart = 0.0
  private(set) var sourceLength: Double
  /// Length after the resize, of which only a part may be wanted.
  let resizedCount: Int
  /// Start of the wanted part in the resized image.
  let start: Int
  /// Length of the wanted part.
  let count: Int
  /// Pixels of the fill colour before it.
  let padding: Int
  /// Whether such pixels are needed before or after it.
  let hasPadding: Bool

  /// Crops as torchvision's `CenterCrop`: cutting rounds halves to even, as Python does, or down;
  /// padding puts the odd pixel after the image, or before it.
  init(
    sourceCount: Int, resizedCount: Int, outputCount: Int,
    rounding: CropRule.Rounding = .halfEven
  ) {
    self.sourceCount = sourceCount
    sourceLength = Double(sourceCount)
    self.resizedCount = resizedCount
    hasPadding = resizedCount < outputCount
    if resizedCount >= outputCount {
      let middle = Double(resizedCount - outputCount) / 2
      start = Int(middle.rounded(rounding == .halfEven ? .toNearestOrEven : .down))
      count = outputCount
      padding = 0
    } else {
      start = 0
      count = resizedCount
      padding = (outputCount - resizedCount + (rounding == .floor ? 1 : 0)) / 2
    }
  }

  /// Puts the whole resized image into the middle of the output, halves rounded to even, as
  /// Pillow's `ImageOps.pad`.
  init(sourceCount: Int, resizedCount: Int, paddedCount: Int) {
    self.sourceCount = sourceCount
    sourceLength = Double(sourceCount)
    self.resizedCount = resizedCount
    start = 0
    count = resizedCount
    padding = Int((Double(paddedCount - resizedCount) / 2).rounded(.toNearestOrEven))
    hasPadding = resizedCount < paddedCount
  }

  /// Tells whether the image, its sides divided, is still at least twice as long as it is resized
  /// to.
  func allows(scaleDenominator: Int) -> Bool {
    sourceCount >= 2 * scaleDenominator * resizedCount
  }

  /// Returns the same axis for an image that is decoded at a smaller size. `isMirrored` says that
  /// the upright axis runs against the stored one, so that the fraction of a pixel comes first.
  func scaled(by denominator: Int, isMirrored: Bool) -> SampleWindow {
    var window = self
    window.sourceCount = (sourceCount + denominator - 1) / denominator
    window.sourceLength = sourceLength / Double(denominator)
    window.sourceStart = isMirrored ? Double(window.sourceCount) - window.sourceLength : 0
    return window
  }

  /// Tells whether the pass along the rows comes first: it does unless the height shrinks by more
  /// than twice as many pixels as the width. The order shows in the last bits; this is Pillow's
  /// since version 13.
  static func narrowsFirst(rows: SampleWindow, columns: SampleWindow) -> Bool {
    let heightLoss = rows.sourceCount - rows.resizedCount
    let widthLoss = columns.sourceCount - columns.resizedCount
    return heightLoss <= 0 || heightLoss <= 2 * widthLoss
  }

  /// Returns both axes for an upright image.
  static func axes(
    height: Int, width: Int, contract: Preprocessing
  ) -> (rows: SampleWindow, columns: SampleWindow) {
    let resized: (height: Int, width: Int)
    switch contract.resize {
    case .none:
      resized = (height, width)
    case .exact(let exactHeight, let exactWidth, _):
      resized = (exactHeight, exactWidth)
    case .letterbox(let outputHeight, let outputWidth, _, _):
      resized = fitted(height: height, width: width, into: (outputHeight, outputWidth))
      return (
        SampleWindow(
          sourceCount: height, resizedCount: resized.height, paddedCount: outputHeight),
        SampleWindow(sourceCount: width, resizedCount: resized.width, paddedCount: outputWidth)
      )
    case .shorterSide(let size, _):
      resized =
        width <= height ? (size * height / width, size) : (size, size * width / height)
    }
    let output = contract.outputSize
    return (
      SampleWindow(
        sourceCount: height, resizedCount: resized.height, outputCount: output.height,
        rounding: contract.cropRounding),
      SampleWindow(
        sourceCount: width, resizedCount: resized.width, outputCount: output.width,
        rounding: contract.cropRounding)
    )
  }

  /// Returns the largest size with the image's proportions that fits, as Pillow's
  /// `ImageOps.contain`, but at least a pixel each way.
  private static func fitted(
    height: Int, width: Int, into output: (height: Int, width: Int)
  ) -> (height: Int, width: Int) {
    let ratio = Double(width) / Double(height)
    let outputRatio = Double(output.width) / Double(output.height)
    if ratio > outputRatio {
      let fitting = Double(height) / Double(width) * Double(output.width)
      return (max(1, Int(fitting.rounded(.toNearestOrEven))), output.width)
    }
    if ratio < outputRatio {
      let fitting = Double(width) / Double(height) * Double(output.height)
      return (output.height, max(1, Int(fitting.rounded(.toNearestOrEven))))
    }
    return output
  }
}
