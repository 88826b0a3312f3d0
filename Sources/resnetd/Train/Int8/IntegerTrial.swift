import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import JSON
import ResNet

/// What became of int8 for a model that was just learned.
struct IntegerOutcome: Sendable {
  /// Ranges for the model file; nil if it gets none.
  var calibration: Calibration?
  /// Answers of int8 and of fp32 for images that were held out; nil if it was not tried.
  var comparison: Comparison?
  /// Why the file has no calibration; nil if it has one.
  var reason: String?

  /// Answers for the same images: the most likely class, or all labels from 50 % on.
  struct Comparison: Sendable {
    let hasIndependentLabels: Bool
    private(set) var imageCount = 0
    private var sameCount = 0
    private var rightCount = 0
    private var integerRightCount = 0

    init(hasIndependentLabels: Bool) { self.hasIndependentLabels = hasIndependentLabels }

    /// Takes in an image's answers, and what it shows.
    mutating func record(fp32: Set<Int>, int8: Set<Int>, wanted: Set<Int>) {
      imageCount += 1
      sameCount += fp32 == int8 ? 1 : 0
      rightCount += fp32 == wanted ? 1 : 0
      integerRightCount += int8 == wanted ? 1 : 0
    }

    /// Share of images that int8 answers as fp32 does.
    var agreement: Double { share(sameCount) }

    /// Whether the share of all images like these is above or below a bar, at 95 %.
    func isDecided(at bar: Double) -> Bool {
      let interval = Proportion(sameCount, of: imageCount).interval
      return bar < interval.low || bar > interval.high
    }

    /// Share of images that are answered rightly.
    var accuracy: Double { share(rightCount) }
    var integerAccuracy: Double { share(integerRightCount) }

    private func share(_ count: Int) -> Double { Double(count) / Double(max(1, imageCount)) }
  }

  /// The outcome in words.
  var text: String {
    guard let comparison else { return "left out: \(reason ?? "")" }
    let found =
      "\(EvaluationReport.percent(comparison.agreement)) of \(comparison.imageCount) answers as in fp32, "
      + (comparison.hasIndependentLabels ? "all labels right " : "top-1 ")
      + "\(EvaluationReport.percent(comparison.integerAccuracy)) against "
      + EvaluationReport.percent(comparison.accuracy)
    return reason.map { "left out: \($0) (\(found))" } ?? found
  }

  var json: JSONValue {
    var object: JSONObject = ["included": .boolean(calibration != nil)]
    if let comparison {
      let measure = comparison.hasIndependentLabels ? "exact" : "top1"
      object += [
        "images": .integer(comparison.imageCount), "agreement": .double(comparison.agreement),
      ]
      object.append(measure, .double(comparison.integerAccuracy))
      object.append(measure + "_fp32", .double(comparison.accuracy))
    }
    if let reason { object.append("reason", .string(reason)) }
    return .object(object)
  }
}

/// Measurement of a model's ranges on learned images, and of its answers in int8 on those held out.
struct IntegerTrial {
  /// Learned images that ranges are measured on: the fewest that are advised, since the command is to
  /// end in seconds.
  private static let calibratedImageCount = QuantizeCommand.advisedImageCount
  /// Held-out images that int8 is judged by at most, and at least; between them it ends as soon as the
  /// answer is clear.
  private static let judgedImageCountLimit = 500
  private static let judgedImageCountMinimum = 50
  /// Images of the first part, which is enough where next to all answers agree, or many do not.
  private static let firstImageCount = 200

  private let job: TrainingJob
  private let split: DataSplit
  /// Learned images to measure ranges on.
  private let learned: [SurveyedImage]
  /// Images held out, with their logits in fp32.
  private let judged: [SurveyedImage]
  private let logits: [[Float]]

  /// - Parameter logits: What the model gives in fp32 for the images held out, `[images, classes]`.
  init(_ job: TrainingJob, _ split: DataSplit, logits: [Float]) {
    (self.job, self.split) = (job, split)
    learned = Self.spread(split.learned.indices, Self.calibratedImageCount).map {
      split.learned[$0]
    }
    let places = Self.spread(split.heldOut.indices, Self.judgedImageCountLimit)
    judged = places.map { split.heldOut[$0] }
    let count = job.classCount
    self.logits = places.map { Array(logits[$0 * count..<($0 + 1) * count]) }
  }

  /// Returns what int8 does; nil if it was interrupted.
  ///
  /// - Parameter model: The finished model without a calibration.
  func run(_ model: Model) throws -> IntegerOutcome? {
    if let reason = reasonAgainst { return IntegerOutcome(reason: reason) }
    guard let ranges = try CalibrationRanges(job, model).measured(on: learned) else { return nil }
    let method =
      "percentile \(CalibrationRanges.percentile) over \(learned.count) images"
    var calibration = Calibration(method: method, ranges: ranges)
    let candidate = try model.calibrated(calibration, model.provenance ?? Provenance())
    let compiled = try job.jobs.compiled(candidate, .int8)
    let least = Double(QuantizeCommand.Settings().minimumAgreement)
    let comparison = try comparison(of: candidate, compiled, least)
    guard !job.interruption.hasHappened else { return nil }
    guard comparison.imageCount >= Self.judgedImageCountMinimum else {
      return IntegerOutcome(reason: "too few of the images held out can be read again")
    }
    var outcome = IntegerOutcome(comparison: comparison)
    if comparison.agreement < least {
      outcome.reason = "fewer than \(EvaluationReport.percent(least)) agree"
    } else if let fault = try sampleFault(candidate, compiled) {
      outcome.reason = fault
    } else {
      calibration.method +=
        (comparison.hasIndependentLabels ? "; agreement of all labels " : "; top-1 agreement ")
        + "\(EvaluationReport.percent(comparison.agreement)) on \(comparison.imageCount) images held out"
      outcome.calibration = calibration
    }
    return outcome
  }

  private var reasonAgainst: String? {
    if job.settings.head.leavesOutInt8 { return "as --no-int8 says" }
    if learned.count < Self.calibratedImageCount || judged.count < Self.judgedImageCountMinimum {
      return "it takes \(Self.calibratedImageCount) learned images and "
        + "\(Self.judgedImageCountMinimum) held out, there are \(split.learned.count) and "
        + "\(split.heldOut.count)"
    }
    return Precision.int8.refusal
  }

  /// Compares the answers, image by image, until it is clear whether enough agree.
  private func comparison(
    of candidate: Model, _ compiled: CompiledModel, _ least: Double
  ) throws -> IntegerOutcome.Comparison {
    let first = Set(Self.spread(judged.indices, Self.firstImageCount))
    let parts = [
      judged.indices.filter(first.contains), judged.indices.filter { !first.contains($0) },
    ]
    var comparison = IntegerOutcome.Comparison(
      hasIndependentLabels: split.hasIndependentLabels)
    for part in parts where !part.isEmpty && !comparison.isDecided(at: least) {
      let answers = try SecondLook(job, compiled).results(of: part.map { judged[$0] }) {
        { index, _, numbers in (place: part[index], numbers: numbers) }
      }
      for (place, numbers) in answers {
        guard numbers.allSatisfy(\.isFinite) else { throw Classifier.notFinite }
        let sets = [logits[place], numbers].map {
          split.answer(
            candidate.output.numbers($0[...], labelCount: job.classCount),
            threshold: LabelTally.threshold)
        }
        comparison.record(
          fp32: sets[0], int8: sets[1], wanted: Set(split.labels(of: judged[place])))
      }
    }
    return comparison
  }

  /// Returns why a server would refuse the model in int8; nil if it would not.
  private func sampleFault(_ candidate: Model, _ compiled: CompiledModel) throws -> String? {
    guard !candidate.goldenSamples.isEmpty else { return nil }
    let check = try GoldenCheck(
      compiled, by: job.decoders.makeDecoder(),
      limits: .init(
        decoding: .init(), decodingTimeout: GoldenChoice.timeout, provingTimeout: nil),
      imageCount: candidate.goldenSamples.count)
    return try check.fault(candidate.goldenSamples, images: [])?.reason
  }

  /// Returns at most `count` places, spread evenly over all, and so over the classes.
  private static func spread(_ places: Range<Int>, _ count: Int) -> [Int] {
    guard places.count > count else { return Array(places) }
    return (0..<count).map { places.lowerBound + $0 * places.count / count }
  }
}
