import Decoding
import Files
import Imaging
import Inference
import ResNet
import Training

/// Images in memory, of which training sees another view in every epoch.
struct CanvasImages: TrainingImages {
  let rule: CanvasRule
  let images: [SurveyedImage]
  let labels: [Int]
  let names: [String]
  /// Independent labels of each image; nil if each has a class.
  let labelSets: [[Int]]?
  private let labelCount: Int
  /// Nil for the view that serving computes.
  var augmentation: Augmentation?
  var seed: UInt64 = 0

  init(_ images: [SurveyedImage], _ split: DataSplit, _ rule: CanvasRule) {
    (self.images, self.rule) = (images, rule)
    labels = images.map { split.label(of: $0) }
    names = images.map { split.path(of: $0) }
    labelSets = split.hasIndependentLabels ? images.map { split.labels(of: $0) } : nil
    labelCount = split.labelCount
  }

  var count: Int { images.count }

  func label(of index: Int) -> Int { labels[index] }

  func labels(of index: Int) -> [Float]? {
    guard let labelSets else { return nil }
    var labels = [Float](repeating: 0, count: labelCount)
    for label in labelSets[index] { labels[label] = 1 }
    return labels
  }

  func name(of index: Int) -> String { names[index] }

  func write(_ index: Int, epoch: Int, into numbers: inout MutableSpan<Float>) {
    guard let canvas = images[index].canvas else {
      preconditionFailure("images to train on must have a canvas")
    }
    guard let augmentation else { return rule.plainView(canvas, into: &numbers) }
    let key = AugmentationKey(seed: seed, epoch: epoch, image: images[index].index)
    rule.view(canvas, augmentation, key: key, into: &numbers)
  }

  /// Returns the plain views of some images, `[N, C, H, W]`.
  func plainViews(_ range: Range<Int>, threads: Int) -> [Float] {
    var plain = self
    plain.augmentation = nil
    let views = range.map { ImageView(image: $0, epoch: 0) }
    return ViewWriter(plain, size: rule.viewCount).numbers(views, threads: threads)
  }
}

/// One thread's part of a survey that keeps each image's pixels.
struct CanvasSurveyor {
  private let rule: CanvasRule
  private let preprocessor: ImagePreprocessor
  private let decoder: any ImageDecoder
  private let source: any DecoderSource

  init(_ rule: CanvasRule, _ source: any DecoderSource, _ limits: DecodingLimits) {
    (self.rule, self.source) = (rule, source)
    preprocessor = rule.preprocessor(limits: limits)
    decoder = source.makeDecoder()
  }

  func survey(
    _ images: [(index: Int, image: ListedImage)]
  ) throws -> [ImageSurvey.Product] {
    var prepared = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
    return try images.map { index, image in
      let outcome = try ImageReader.decode(image, source) {
        (bytes, deadline) throws(DecodingFailure) in
        var span = prepared.mutableSpan
        try decoder.prepare(bytes.span, by: preprocessor, into: &span, until: deadline)
      }
      switch outcome {
      case .notImage: return .notImage
      case .failure(let problem): return try ImageSurvey.failure(problem, of: image)
      case .bytes(let bytes):
        let canvas = rule.canvas(prepared.span)
        let shape = FeatureShape(
          channels: canvas.channels, height: canvas.height, width: canvas.width)
        return .image(
          SurveyedImage(
            index: index, digest: try SHA256.digest(of: bytes),
            likeness: Likeness(canvas.pixels, shape), canvas: canvas))
      }
    }
  }
}
