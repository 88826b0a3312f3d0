import Checkpoint
import Decoding
import Engine
import Files
import Imaging
import Inference
import ResNet

/// One thread's part of a survey that runs a network over the images.
struct FeatureSurveyor {
  typealias Product = ImageSurvey.Product

  private let classifier: Classifier
  private let decoder: any ImageDecoder
  private let source: any DecoderSource
  private let inputShape: FeatureShape
  private let shelf: FeatureShelf?
  /// An image as numbers; memory of its own for each would be taken from the system again and again.
  private var numbers: [Float]

  /// - Parameters:
  ///   - model: In fp32, so that its input is plain numbers.
  ///   - shelf: Features on disk, of which those that are there are not computed again.
  init(
    _ model: CompiledModel, _ source: any DecoderSource, _ limits: DecodingLimits,
    _ shelf: FeatureShelf?
  ) throws {
    precondition(model.precision == .fp32, "the model must be in fp32")
    classifier = try Classifier(model, limits: limits)
    decoder = source.makeDecoder()
    (self.source, self.shelf) = (source, shelf)
    inputShape = model.network.inputShape
    numbers = [Float](repeating: 0, count: inputShape.elementCount)
  }

  mutating func survey(_ images: [(index: Int, image: ListedImage)]) throws -> [Product] {
    var products: [Product?] = images.map { _ in nil }
    var waiting: [(place: Int, image: SurveyedImage)] = []
    for (place, item) in images.enumerated() {
      if let known = try shelf?.known(item.image, item.index) {
        products[place] = .image(known)
        continue
      }
      let outcome = try ImageReader.decode(item.image, source) {
        (bytes, deadline) throws(DecodingFailure) in
        try classifier.prepare(bytes[...], at: waiting.count, by: decoder, until: deadline)
      }
      switch outcome {
      case .notImage: products[place] = .notImage
      case .failure(let problem):
        products[place] = try ImageSurvey.failure(problem, of: item.image)
      case .bytes(let bytes):
        readNumbers(at: waiting.count)
        let likeness = Likeness(numbers, inputShape)
        waiting.append(
          (
            place,
            SurveyedImage(
              index: item.index, digest: try SHA256.digest(of: bytes), likeness: likeness)
          ))
      }
      if waiting.count == classifier.capacity { try run(&waiting, images, &products) }
    }
    try run(&waiting, images, &products)
    return products.compactMap(\.self)
  }

  private func run(
    _ waiting: inout [(place: Int, image: SurveyedImage)],
    _ images: [(index: Int, image: ListedImage)], _ products: inout [Product?]
  ) throws {
    guard !waiting.isEmpty else { return }
    let outputs = try classifier.run(count: waiting.count, with: .features)
    for ((place, image), output) in zip(waiting, outputs) {
      guard let features = output?.features else {
        products[place] = .failure(
          .init(
            path: images[place].image.path,
            reason: "the network gave features that are not finite"))
        continue
      }
      var image = image
      image.features = features
      products[place] = .image(image)
    }
    waiting = []
  }

  private mutating func readNumbers(at place: Int) {
    let bytes = classifier.prepared(at: place)
    precondition(
      bytes.count == numbers.count * MemoryLayout<Float>.stride, "the input must be in fp32")
    // SAFETY: any bytes are numbers, and there are as many as the numbers have.
    unsafe numbers.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes) }
  }
}

extension FeatureShelf {
  /// Returns an image whose features are on disk, without decoding it; nil if they are not there, or it
  /// cannot be read.
  func known(_ image: ListedImage, _ index: Int) throws -> SurveyedImage? {
    guard count > 0, case .bytes(let bytes) = ImageReader.read(image) else { return nil }
    return self.image(index, digest: try SHA256.digest(of: bytes))
  }
}
