import Checkpoint
import Decoding
import Imaging
import Training

/// Augmented views of images whose features a new last layer learns from.
struct ViewRule: Sendable {
  let canvas: CanvasRule
  let augmentation: Augmentation
  /// Views of each image.
  let count: Int
  let seed: UInt64

  /// Returns nil if no views are asked for.
  init?(_ job: TrainingJob) throws(Failure) {
    let contract = job.parent.preprocessing
    guard let count = job.settings.head.viewCount,
      let augmentation = Recipe.augmentation(job.settings.augmentation, contract)
    else { return nil }
    do throws(ImagingError) { canvas = try CanvasRule(contract) } catch {
      throw Failure("--views: \(job.parent.name): no views can be made: \(error.description)")
    }
    (self.count, self.augmentation) = (count, augmentation)
    seed = UInt64(job.settings.seed)
  }

  var text: String {
    "\(Decimal.grouped(count)) views of each image beside it ("
      + Recipe.words(augmentation).joined(separator: ", ") + ")"
  }

  /// Returns the views of an image one after the other, `[count, C, H, W]`.
  ///
  /// What they show follows from the seed and the image alone, wherever it lies.
  func views(of canvas: Canvas, digest: [UInt8]) -> [Float] {
    let size = self.canvas.viewCount
    let image = digest.prefix(7).reduce(0) { $0 << 8 | Int($1) }
    var numbers = [Float](repeating: 0, count: count * size)
    var span = numbers.mutableSpan
    for view in 0..<count {
      var part = span._mutatingExtracting(view * size..<(view + 1) * size)
      let key = AugmentationKey(seed: seed, epoch: view, image: image)
      self.canvas.view(canvas, augmentation, key: key, into: &part)
    }
    return numbers
  }
}

/// One thread's part of a survey that runs a network over views of the images.
struct ViewSurveyor {
  private let rule: ViewRule
  private let canvases: CanvasSurveyor
  private let body: FixedNetwork.Runner
  private let shelf: FeatureShelf?

  /// - Parameters:
  ///   - body: The network up to its features.
  ///   - shelf: Features on disk, of which those that are there are not computed again.
  init(
    _ rule: ViewRule, _ body: FixedNetwork, _ source: any DecoderSource, _ limits: DecodingLimits,
    _ shelf: FeatureShelf?
  ) throws {
    (self.rule, self.shelf) = (rule, shelf)
    canvases = CanvasSurveyor(rule.canvas, source, limits)
    self.body = try body.makeRunner()
  }

  /// Returns images with the features of all their views, one view after the other.
  func survey(_ images: [(index: Int, image: ListedImage)]) throws -> [ImageSurvey.Product] {
    try images.map { listed in
      if let known = try shelf?.known(listed.image, listed.index) { return .image(known) }
      return try computed(listed)
    }
  }

  private func computed(
    _ listed: (index: Int, image: ListedImage)
  ) throws -> ImageSurvey.Product {
    let product = try canvases.survey([listed])[0]
    guard case .image(var image) = product, let canvas = image.canvas else { return product }
    image.features = try body.outputs(rule.views(of: canvas, digest: image.digest))
    image.canvas = nil
    guard image.features.allSatisfy(\.isFinite) else {
      return .failure(
        .init(
          path: listed.image.path,
          reason: "the network gave features of a view that are not finite"))
    }
    return .image(image)
  }
}
