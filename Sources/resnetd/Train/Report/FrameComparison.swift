import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import JSON

/// What a model loses by seeing the middle of images alone, as its contract crops them: the same
/// images, squeezed into the input as a whole.
struct FrameComparison: Sendable {
  private static let imageCountLimit = 200
  /// Images beyond which half of them are tried first.
  private static let undividedImageCount = 100
  /// Longer side by the shorter beyond which a square crop sees less than half.
  private static let extremeProportion = 2.0
  /// Standard errors of a difference that is no chance.
  private static let significance = 2.0

  /// One image, by the crop and as a whole; of independent labels all must be right.
  private struct Sight: Sendable {
    var isRightCropped: Bool
    var isRightWhole: Bool
    /// Longer side by the shorter one; nil if it is not known.
    var proportion: Double?
  }

  let imageCount: Int
  let croppedCount: Int
  let wholeCount: Int
  let extremeCount: Int
  let largestProportion: Double
  /// Whether the whole frame is better by more than chance.
  let prefersWhole: Bool

  /// A right answer, in words.
  private let verdict: String

  private init(_ sights: [Sight], _ verdict: String) {
    self.verdict = verdict
    imageCount = sights.count
    croppedCount = sights.count { $0.isRightCropped }
    wholeCount = sights.count { $0.isRightWhole }
    let proportions = sights.compactMap(\.proportion)
    extremeCount = proportions.count { $0 > Self.extremeProportion }
    largestProportion = proportions.max() ?? 1
    // McNemar's test: only images on which the two differ count.
    let won = sights.count { $0.isRightWhole && !$0.isRightCropped }
    let lost = sights.count { $0.isRightCropped && !$0.isRightWhole }
    prefersWhole =
      Double(won - lost) > Self.significance * Double(max(1, won + lost)).squareRoot()
  }

  private static func crops(_ contract: Preprocessing) -> Bool {
    guard case .center(let height, let width, _) = contract.crop else { return false }
    switch contract.resize {
    case .shorterSide: return true
    case .exact(let resizedHeight, let resizedWidth, _):
      return resizedHeight > height || resizedWidth > width
    case .none, .letterbox: return false
    }
  }

  /// Compares the two on images held out; nil if the contract does not crop, or there are none.
  ///
  /// - Parameter logits: What the model gives for the images held out, `[images, classes]`.
  static func of(
    _ model: CompiledModel, _ job: TrainingJob, _ split: DataSplit, logits: [Float]
  ) throws -> FrameComparison? {
    guard crops(model.preprocessing), !split.heldOut.isEmpty else { return nil }
    let count = min(split.heldOut.count, imageCountLimit)
    let places = (0..<count).map { $0 * split.heldOut.count / count }
    let whole = model.with(preprocessing: try wholeFrame(model.preprocessing))
    let verdict = split.hasIndependentLabels ? "with all labels right" : "right"
    var sights: [Sight] = []
    let partCount = count > undividedImageCount ? 2 : 1
    for part in 0..<partCount {
      let own = places.indices.filter { $0 % partCount == part }.map { places[$0] }
      sights += try SecondLook(job, whole).results(of: own.map { split.heldOut[$0] }) {
        let ruler = ProportionRuler(job.decoders.makeDecoder())
        return { index, file, numbers in
          let place = own[index]
          let cropped = Array(logits[place * job.classCount..<(place + 1) * job.classCount])
          let labels = Set(split.labels(of: split.heldOut[place]))
          // A logit of 0 is a probability of 50 %.
          return Sight(
            isRightCropped: split.answer(cropped, threshold: 0) == labels,
            isRightWhole: split.answer(numbers, threshold: 0) == labels,
            proportion: ruler.proportion(of: file))
        }
      }
      // They are tried further where whole images may turn out to be better.
      if sights.count(where: \.isRightWhole) <= sights.count(where: \.isRightCropped) { break }
    }
    return sights.isEmpty ? nil : FrameComparison(sights, verdict)
  }

  private static func wholeFrame(_ contract: Preprocessing) throws -> Preprocessing {
    let size = contract.outputSize
    return try Preprocessing(
      resize: .exact(height: size.height, width: size.width, filter: contract.resize.filter),
      crop: .none, channelOrder: contract.channelOrder, mean: contract.mean, std: contract.std,
      range: contract.range, policies: contract.policies, exact: contract.exact)
  }

  // MARK: Words

  private var croppedShare: String {
    EvaluationReport.percent(Double(croppedCount) / Double(imageCount))
  }

  private var wholeShare: String {
    EvaluationReport.percent(Double(wholeCount) / Double(imageCount))
  }

  var text: String {
    "\(croppedShare) of \(imageCount) \(verdict) by the middle of the image, \(wholeShare) by all "
      + "of it"
  }

  /// What to do about it; nil if nothing has to be done.
  var warning: String? {
    var sentences: [String] = []
    if extremeCount > 0 {
      sentences.append(
        "\(extremeCount) of \(imageCount) images are more than twice as long as they are wide or the "
          + "other way (up to \(Decimal.text(largestProportion, digits: 1)) to 1), and the model sees "
          + "less than half of each")
    }
    if prefersWhole {
      sentences.append(
        "the whole image is answered better than its middle: train with a contract that does not crop "
          + "(--preprocess, with the resize rule exact or letterbox)")
    }
    return sentences.isEmpty ? nil : sentences.joined(separator: "; ")
  }

  var json: JSONValue {
    [
      "images": .integer(imageCount), "centre_crop": .integer(croppedCount),
      "whole_frame": .integer(wholeCount), "extreme_proportions": .integer(extremeCount),
      "largest_proportion": .double(largestProportion),
    ]
  }
}

/// Measurement of images' proportions by the decoder that serving uses, so that no header is read
/// outside of its process: the image is fitted into a square twice, with two colours around it, and
/// where the results differ there is no image.
private struct ProportionRuler {
  private static let side = 64

  private let decoder: any ImageDecoder
  private let preprocessors: [ImagePreprocessor]

  init(_ decoder: any ImageDecoder) {
    self.decoder = decoder
    let colours = [Colour(red: 0, green: 0, blue: 0), Colour(red: 255, green: 255, blue: 255)]
    preprocessors = colours.compactMap { colour in
      try? Preprocessing(
        resize: .letterbox(
          height: Self.side, width: Self.side, filter: .nearest, fill: colour),
        crop: .none, mean: [0, 0, 0], std: [1, 1, 1], range: .byte)
    }.map { ImagePreprocessor($0, encoding: .s8(scale: 1, zeroPoint: -128)) }
  }

  /// Returns the longer side by the shorter one; nil if the image cannot be decoded so.
  func proportion(of bytes: [UInt8]) -> Double? {
    var views: [[UInt8]] = []
    for preprocessor in preprocessors {
      var view = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
      var span = view.mutableSpan
      guard
        (try? decoder.prepare(
          bytes.span, by: preprocessor, into: &span, until: .now + GoldenChoice.timeout)) != nil
      else { return nil }
      views.append(view)
    }
    guard views.count == 2 else { return nil }
    let same = views[0].indices.map { views[0][$0] == views[1][$0] }
    let channels = same.count / (Self.side * Self.side)
    // The image is in the middle: its row and column there tell both sides.
    let middle = Self.side / 2
    let width = (0..<Self.side).count { same[(middle * Self.side + $0) * channels] }
    let height = (0..<Self.side).count { same[($0 * Self.side + middle) * channels] }
    return Double(max(width, height)) / Double(max(1, min(width, height)))
  }
}
