package import ResNet

/// What is learned where nothing is asked for: all layers if there are images enough and it is quick,
/// else a new last layer.
package struct TuningChoice {
  /// Images from which all layers are trained.
  private static let imageCount = 2000
  /// The same of each class, on average. Of fewer none are held out, and nothing would tell which
  /// epoch is the best.
  private static let classImageCount = DataSplit.heldOutMinimum
  /// Pixels up to which a network is quick.
  private static let pixelCount = 64 * 64

  /// Whether all layers are learned.
  package let isAll: Bool
  /// The choice and its reason in a sentence.
  package let text: String

  var tuning: TrainSettings.Tuning { isAll ? .all : .head }

  /// - Parameters:
  ///   - shape: Of the network's input.
  ///   - hasBands: Whether images have bands, for which only a last layer can be learned.
  package init(imageCount: Int, classCount: Int, _ shape: FeatureShape, hasBands: Bool) {
    let classImageCount = imageCount / max(1, classCount)
    let found =
      "\(Decimal.grouped(imageCount)) images, \(Decimal.grouped(classImageCount)) of each class on average"
    let isQuick = shape.pixelCount <= Self.pixelCount && !hasBands
    guard isQuick, imageCount >= Self.imageCount, classImageCount >= Self.classImageCount else {
      isAll = false
      text =
        "--tune head: \(found); a new last layer takes seconds"
        + (hasBands
          ? ""
          : ", and --tune all or --time 10m trains all layers, which pays from about "
            + "\(Decimal.grouped(Self.imageCount)) images on, \(Self.classImageCount) of each class")
      return
    }
    isAll = true
    text =
      "--tune all: \(found), are enough to train all layers of a network for "
      + "\(shape.width)x\(shape.height) pixels; --tune head takes seconds, with a new last layer alone"
  }
}
