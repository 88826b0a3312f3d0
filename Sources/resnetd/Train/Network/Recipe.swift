import Imaging
import ResNet
import Training

/// Numbers of a training of layers, by the size of the images and of the data where no option gives
/// them.
struct Recipe {
  /// Sides up to which images are small: cropped out of a mirrored border instead of resized.
  private static let smallSide = 64
  /// Steps of a fine-tuning of less than 20,000 images (Kolesnikov et al. 2020, Big Transfer,
  /// section 3.3).
  private static let tuningStepCount = 500
  /// Epochs of a training from scratch, as many as ResNet-20 needs for CIFAR-10 to be near its best.
  private static let freshEpochCount = 28
  private static let epochLimits = 3...40

  let batchImageCount: Int
  let peakRate: Double
  let optimizer: OptimizerSettings
  let loss: Loss
  let augmentation: Augmentation?
  /// Epochs if no time and no number is given.
  let usualEpochCount: Int
  let isFresh: Bool

  init(
    _ settings: TrainSettings, _ contract: Preprocessing, imageCount: Int,
    classCounts: [Int], graph: Graph, isFresh: Bool
  ) {
    self.isFresh = isFresh
    let (height, width) = contract.outputSize
    let isSmall = max(height, width) <= Self.smallSide
    // Few images in a batch make many steps of few images.
    let usual = min(isSmall ? 128 : 32, max(8, imageCount / 16))
    batchImageCount = settings.batchImageCount ?? usual
    // The linear rule of Goyal et al. 2017, from numbers that are usual for batches of 128.
    peakRate =
      settings.rate ?? (isFresh ? 0.2 : 0.02) * Double(batchImageCount) / 128
    var optimizer = OptimizerSettings(
      .momentum(0.9, isNesterov: true),
      weightDecay: settings.weightDecay ?? (isFresh ? 5e-4 : 1e-4))
    optimizer.averageDecay = 0.995
    if !isFresh { optimizer.rateFactors = Self.rateFactors(of: graph) }
    self.optimizer = optimizer
    let smoothing = Double(settings.smoothing)
    var weights: [Float]?
    if settings.isBalanced {
      let mean = Float(imageCount) / Float(classCounts.count)
      weights = classCounts.map { $0 > 0 ? mean / Float($0) : 0 }
    }
    loss = Loss(.softmax(smoothing: smoothing), weights: weights)
    augmentation = Self.augmentation(settings.augmentation, height: height, isSmall: isSmall)
    let stepsPerEpoch = max(1, (imageCount + batchImageCount - 1) / batchImageCount)
    let tuning = (Self.tuningStepCount + stepsPerEpoch - 1) / stepsPerEpoch
    usualEpochCount =
      isFresh
      ? Self.freshEpochCount
      : min(max(tuning, Self.epochLimits.lowerBound), Self.epochLimits.upperBound)
  }

  /// Rates of early layers are lower, from a tenth for the first to the whole for the last: their
  /// features are general already.
  private static func rateFactors(of graph: Graph) -> [String: Double] {
    var factors: [String: Double] = [:]
    let last = Double(max(1, graph.nodes.count - 1))
    for (index, node) in graph.nodes.enumerated() {
      factors[node.name + "."] = 0.1 + 0.9 * Double(index) / last
    }
    return factors
  }

  private static func augmentation(
    _ choice: TrainSettings.AugmentationChoice, height: Int, isSmall: Bool
  ) -> Augmentation? {
    let crop =
      isSmall
      ? Augmentation.Crop.padded(height / 8)
      : .resized(scale: 0.35...1, ratio: 3.0 / 4...4.0 / 3)
    switch choice {
    case .none: return nil
    case .crop: return Augmentation(crop: crop, flip: .none)
    case .auto: return Augmentation(crop: crop, flip: .alternating)
    case .colour:
      return Augmentation(
        crop: crop, flip: .alternating,
        jitter: ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1))
    }
  }

  func schedule(stepCount: Int) -> Schedule {
    .oneCycle(peak: peakRate, stepCount: stepCount, risingShare: 0.25)
  }

  /// The numbers in words, for the provenance.
  var text: String {
    let augmented =
      switch augmentation?.crop {
      case nil: "no augmentation"
      case .padded(let count)?: "crops of images mirrored by \(count) pixels"
      case .resized(let scale, _)?: "crops of \(scale.lowerBound) to 1 of the area"
      case .plain?: "no crops"
      }
    return
      "batches of \(batchImageCount), SGD with Nesterov's momentum 0.9, one cycle up to a rate of "
      + "\(TrainingReport.number(peakRate)), weight decay "
      + "\(TrainingReport.number(optimizer.weightDecay)), \(augmented)"
      + (augmentation.map { $0.flip != .none } == true ? ", alternating flips" : "")
      + (augmentation?.jitter != nil ? ", colour jitter" : "")
  }
}
