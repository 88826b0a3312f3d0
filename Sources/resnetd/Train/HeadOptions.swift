import Serving
import Training

/// Settings of `resnetd train` about the last layer, and about what the model file carries.
struct HeadOptions: CommandSettings {
  /// Views of an image at most: features of more hardly differ from those that are there.
  static let viewLimit = 64

  /// Units of a layer before the last one at most.
  static let hiddenLimit = 8192

  enum Place: String, CaseIterable, Sendable {
    /// In memory where they fit.
    case auto
    case memory
    case disk
  }

  /// Augmented views of each learned image beside the image itself; nil for none.
  var viewCount: Int?
  /// Units of a layer between the features and the last one; nil for none.
  var hiddenCount: Int?
  /// Nil for the usual one.
  var solver: HeadSettings.Solver?
  /// Where the features are.
  var place = Place.auto
  /// Folder that keeps features for the next time; nil for none.
  var cache: String?
  var leavesOutInt8 = false

  static let options: [Option<HeadOptions>] = [
    .optionalInteger(
      "views", "N", \.viewCount, in: 1...viewLimit,
      "for a new last layer: learn from N augmented views of each image too (--augment)"),
    .optionalInteger(
      "hidden", "N", \.hiddenCount, in: 1...hiddenLimit,
      "for a new last layer: learn a layer of N units before it too"),
    .optionalChoice(
      "head-solver", \.solver,
      "how a new last layer is fitted: by L-BFGS (default), or by SGD over batches of features "
        + "(default with --hidden)"),
    .choice(
      "features", \.place,
      "for a new last layer: where the features of the images are while it is learned"),
    .optionalText(
      "cache", "DIR", \.cache,
      "for a new last layer: folder that keeps the features on disk for the next time"),
    .flag("no-int8", \.leavesOutInt8, "leave the calibration for int8 out of the model file"),
  ]

  /// The first option that only a new last layer by itself has.
  var soleOption: String? {
    let options: [(String, Bool)] = [
      ("--views", viewCount != nil), ("--hidden", hiddenCount != nil),
      ("--head-solver", solver != nil),
      ("--features", place != .auto), ("--cache", cache != nil),
    ]
    return options.first { $0.1 }?.0
  }
}
