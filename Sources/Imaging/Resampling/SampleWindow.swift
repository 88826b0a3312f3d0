/// One axis of the way from the decoded image to the network's input: resized, then cropped or
/// padded.
struct SampleWindow: Hashable {
  /// Pixels of the decoded image, upright.
  private(set) var sourceCount: Int
  /// Where among these pixels the image itself begins and how long it is. Smaller than
  /// `sourceCount` where the decoder scales down: the stored last pixel may then stand for less
  /// than a whole one.
  private(set) var sourceStart = 0.0
  private(set) var sourceLength: Double
  /// Length after the resize, of which only a part may be wanted.
  let resizedCount: Int
  /// Where in the resized image the wanted part begins.
  let start: Int
  /// Length of the wanted part.
  let count: Int
  /// Black pixels of the output in front of it.
  let padding: Int
  /// Whether black pixels are needed in front or behind.
  let hasPadding: Bool

  /// The crop of torchvision's `CenterCrop`: Python's rounding of halves to even where it cuts, the
  /// odd pixel behind where it pads.
  init(sourceCount: Int, resizedCount: Int, outputCount: Int) {
    self.sourceCount = sourceCount
    sourceLength = Double(sourceCount)
    self.resizedCount = resizedCount
    hasPadding = resizedCount < outputCount
    if resizedCount >= outputCount {
      let middle = Double(resizedCount - outputCount) / 2
      start = Int(middle.rounded(.toNearestOrEven))
      count = outputCount
      padding = 0
    } else {
      start = 0
      count = resizedCount
      padding = (outputCount - resizedCount) / 2
    }
  }

  /// Whether the image, its sides divided, still is at least twice as long as what it is resized
  /// to.
  func allows(scaleDenominator: Int) -> Bool {
    sourceCount >= 2 * scaleDenominator * resizedCount
  }

  /// The same way from an image that is decoded at a smaller size. `isMirrored` says that the
  /// upright axis runs against the stored one, which puts the part of a pixel in front.
  func scaled(by denominator: Int, isMirrored: Bool) -> SampleWindow {
    var window = self
    window.sourceCount = (sourceCount + denominator - 1) / denominator
    window.sourceLength = sourceLength / Double(denominator)
    window.sourceStart = isMirrored ? Double(window.sourceCount) - window.sourceLength : 0
    return window
  }

  /// Both axes for an upright image.
  static func axes(
    height: Int, width: Int, contract: Preprocessing
  ) -> (rows: SampleWindow, columns: SampleWindow) {
    let resized: (height: Int, width: Int)
    switch contract.resize {
    case .none:
      resized = (height, width)
    case .exact(let exactHeight, let exactWidth, _):
      resized = (exactHeight, exactWidth)
    case .shorterSide(let size, _):
      resized =
        width <= height ? (size * height / width, size) : (size, size * width / height)
    }
    let output = contract.outputSize
    return (
      SampleWindow(
        sourceCount: height, resizedCount: resized.height, outputCount: output.height),
      SampleWindow(sourceCount: width, resizedCount: resized.width, outputCount: output.width)
    )
  }
}
