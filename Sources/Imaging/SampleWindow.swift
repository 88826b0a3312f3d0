/// One axis of the way from the stored picture to the network's input: scaled, then cropped or padded.
struct SampleWindow: Hashable {
  /// Length of the stored picture, upright.
  let sourceCount: Int
  /// Length after the resize, of which only a part may be wanted.
  let resizedCount: Int
  /// Where in the resized picture the wanted part begins.
  let start: Int
  /// Length of the wanted part.
  let count: Int
  /// Black pixels of the output in front of it.
  let padding: Int
  /// Whether black pixels are needed in front or behind.
  let hasPadding: Bool

  /// The crop of torchvision's `CenterCrop`: Python's rounding of halves to even where it cuts, the odd
  /// pixel behind where it pads.
  init(sourceCount: Int, resizedCount: Int, outputCount: Int) {
    self.sourceCount = sourceCount
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

  /// Both axes for an upright picture.
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
