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
  /// Share of the steps in which the rate rises before it falls by a cosine.
  private static let warmUpShare = 0.1
  /// Share of the old in the running average of the parameters.
  private static let usualAverageDecay = 0.995
  /// Share of the images of which a part is erased (Touvron et al. 2021, DeiT, table 9).
  private static let erasingShare = 0.25

  let batchImageCount: Int
  let peakRate: Double
  let optimizer: OptimizerSettings
  let loss: Loss
  let augmentation: Augmentation?
  let mixupAlpha: Double?
  /// Whether an epoch shows each class equally often.
  let balancesClasses: Bool
  /// Epochs if no time and no number is given.
  let usualEpochCount: Int
  let isFresh: Bool
  private let scheduleChoice: TrainSettings.ScheduleChoice
  /// What options decide, in words for the provenance: `text` without numbers that are rounded.
  private let words: [String]

  init(
    _ settings: TrainSettings, _ contract: Preprocessing, imageCount: Int,
    classCounts: [Int], graph: Graph, isFresh: Bool
  ) {
    self.isFresh = isFresh
    let isSmall = Self.isSmall(contract)
    // Few images in a batch make many steps of few images.
    let usual = min(isSmall ? 128 : 32, max(8, imageCount / 16))
    batchImageCount = settings.batchImageCount ?? usual
    peakRate =
      settings.rate
      ?? Self.rate(settings.optimizer, batchImageCount: batchImageCount, isFresh: isFresh)
    optimizer = Self.optimizer(settings, graph, isFresh: isFresh)
    balancesClasses = settings.samplesEvenly
    loss = Self.loss(settings, imageCount: imageCount, classCounts)
    augmentation = Self.augmentation(settings.augmentation, contract)
    mixupAlpha = settings.mixupAlpha
    scheduleChoice = settings.schedule
    words = Self.words(settings)
    let stepsPerEpoch = max(1, (imageCount + batchImageCount - 1) / batchImageCount)
    let tuning = (Self.tuningStepCount + stepsPerEpoch - 1) / stepsPerEpoch
    usualEpochCount =
      isFresh
      ? Self.freshEpochCount
      : min(max(tuning, Self.epochLimits.lowerBound), Self.epochLimits.upperBound)
  }

  /// Highest rate of a batch, from one that is usual for batches of another size.
  private static func rate(
    _ choice: TrainSettings.OptimizerChoice, batchImageCount: Int, isFresh: Bool
  ) -> Double {
    switch choice {
    case .sgd:
      // Proportional to the batch: Goyal et al. 2017.
      return (isFresh ? 0.2 : 0.02) * Double(batchImageCount) / 128
    case .adamw:
      // With its root: Malladi et al. 2022, On the SDEs and Scaling Rules for Adaptive Gradient
      // Algorithms. From scratch the rate of Loshchilov and Hutter 2019 (Decoupled Weight Decay
      // Regularization, batches of 128), else that of fastai's `fine_tune` (batches of 64).
      return 1e-3 * (Double(batchImageCount) / (isFresh ? 128 : 64)).squareRoot()
    }
  }

  private static func optimizer(
    _ settings: TrainSettings, _ graph: Graph, isFresh: Bool
  ) -> OptimizerSettings {
    let method: OptimizerSettings.Method
    let decay: Double
    switch settings.optimizer {
    case .sgd: (method, decay) = (.momentum(0.9, isNesterov: true), isFresh ? 5e-4 : 1e-4)
    // From scratch that of Liu et al. 2022, A ConvNet for the 2020s, else fastai's.
    case .adamw: (method, decay) = (.adamW, isFresh ? 0.05 : 0.01)
    }
    var optimizer = OptimizerSettings(method, weightDecay: settings.weightDecay ?? decay)
    let average = settings.averageDecay ?? usualAverageDecay
    optimizer.averageDecay = average > 0 ? average : nil
    optimizer.gradientNormLimit = settings.normLimit
    if !isFresh { optimizer.rateFactors = rateFactors(of: graph) }
    return optimizer
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

  private static func loss(
    _ settings: TrainSettings, imageCount: Int, _ classCounts: [Int]
  ) -> Loss {
    guard !settings.hasIndependentLabels else {
      var loss = Loss(.binary)
      loss.sumsLabels = true
      return loss
    }
    var weights: [Float]?
    if settings.isBalanced, !settings.samplesEvenly {
      let mean = Float(imageCount) / Float(classCounts.count)
      weights = classCounts.map { $0 > 0 ? mean / Float($0) : 0 }
    }
    return Loss(.softmax(smoothing: Double(settings.smoothing)), weights: weights)
  }

  private static func isSmall(_ contract: Preprocessing) -> Bool {
    max(contract.outputSize.height, contract.outputSize.width) <= smallSide
  }

  /// Returns the changes that make views of images of a contract; nil for none.
  static func augmentation(
    _ choice: AugmentationChoice, _ contract: Preprocessing
  ) -> Augmentation? {
    guard !choice.isNone else { return nil }
    let crop =
      isSmall(contract)
      ? Augmentation.Crop.padded(contract.outputSize.height / 8)
      : .resized(scale: 0.35...1, ratio: 3.0 / 4...4.0 / 3)
    return Augmentation(
      crop: choice.crops ? crop : .plain, flip: choice.flips ? .alternating : .none,
      jitter: choice.colours
        ? ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1) : nil,
      erasing: choice.erases ? Erasing(probability: erasingShare) : nil)
  }

  func schedule(stepCount: Int) -> Schedule {
    switch scheduleChoice {
    case .oneCycle: .oneCycle(peak: peakRate, stepCount: stepCount, risingShare: 0.25)
    case .cosine:
      .cosine(
        peak: peakRate, stepCount: stepCount,
        warmUpStepCount: Int(Self.warmUpShare * Double(stepCount)))
    }
  }

  // MARK: Words

  private static func words(_ settings: TrainSettings) -> [String] {
    var words: [String] = []
    if let limit = settings.normLimit { words.append("gradients clipped to a norm of \(limit)") }
    if let decay = settings.averageDecay {
      words.append(decay > 0 ? "average of parameters by \(decay)" : "no average of parameters")
    }
    if let alpha = settings.mixupAlpha { words.append("mixup \(alpha)") }
    if settings.precision == .bf16 { words.append("computed in bf16") }
    if settings.samplesEvenly { words.append("classes sampled equally often") }
    return words
  }

  private var method: String {
    switch optimizer.method {
    case .momentum(let momentum, _): "SGD with Nesterov's momentum \(momentum)"
    case .adamW: "AdamW"
    }
  }

  /// The same without the rate and its course.
  var searchText: String {
    let parts = [
      "batches of \(batchImageCount)", method,
      "weight decay \(TrainingReport.number(optimizer.weightDecay))",
    ]
    return (parts + Self.words(augmentation) + words).joined(separator: ", ")
  }

  /// The numbers in words, for the provenance.
  var text: String {
    let course =
      switch scheduleChoice {
      case .oneCycle: "one cycle up to a rate of "
      case .cosine: "half a cosine from a rate of "
      }
    let parts = [
      "batches of \(batchImageCount)", method, course + TrainingReport.number(peakRate),
      "weight decay \(TrainingReport.number(optimizer.weightDecay))",
    ]
    return (parts + Self.words(augmentation) + words).joined(separator: ", ")
  }

  /// Returns the changes to images in words.
  static func words(_ augmentation: Augmentation?) -> [String] {
    guard let augmentation else { return ["no augmentation"] }
    var parts: [String] = []
    switch augmentation.crop {
    case .padded(let count): parts.append("crops of images extended by \(count) mirrored pixels")
    case .resized(let scale, _): parts.append("crops of \(scale.lowerBound) to 1 of the area")
    case .plain: parts.append("no crops")
    }
    if augmentation.flip != .none { parts.append("alternating flips") }
    if augmentation.jitter != nil { parts.append("colour jitter") }
    if let erasing = augmentation.erasing {
      parts.append("a part erased of \(TrainingReport.number(100 * erasing.probability)) %")
    }
    return parts
  }

  /// The same with every number in full: what must be equal for a training to go on.
  var identity: String {
    text + ", exactly a rate of \(peakRate) and a decay of \(optimizer.weightDecay)"
  }
}
