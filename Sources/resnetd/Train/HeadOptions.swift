import Serving
import Training

/// Settings of `resnetd train` about the last layer, and about what the model file carries.
struct HeadOptions: CommandSettings {
  /// Views of an image at most: features of more hardly differ from those that are there.
  static let viewLimit = 64

  /// Augmented views of each learned image beside the image itself; nil for none.
  var viewCount: Int?
  /// Nil for the usual one.
  var solver: HeadSettings.Solver?
  var leavesOutInt8 = false

  static let options: [Option<HeadOptions>] = [
    .optionalInteger(
      "views", "N", \.viewCount, in: 1...viewLimit,
      "for a new last layer: learn from N augmented views of each image too (--augment)"),
    .optionalChoice(
      "head-solver", \.solver,
      "how a new last layer is fitted: by L-BFGS (default), or by SGD over batches of features"),
    .flag("no-int8", \.leavesOutInt8, "leave the calibration for int8 out of the model file"),
  ]

  /// The first option that only a new last layer by itself has.
  var soleOption: String? {
    let options: [(String, Bool)] = [
      ("--views", viewCount != nil), ("--head-solver", solver != nil),
    ]
    return options.first { $0.1 }?.0
  }
}
