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
  /// How often int8 gives fp32's answer for images that were held out; nil if it was not tried.
  var agreement: Agreement?
  /// Share of those images that are answered rightly, in fp32 and in int8.
  var accuracies: (fp32: Double, int8: Double)?
  /// Why the file has no calibration; nil if it has one.
  var reason: String?

  /// The outcome in words.
  var text: String {
    guard let agreement, let accuracies else { return "left out: \(reason ?? "")" }
    let found =
      "\(EvaluationReport.percent(agreement.top1)) of \(agreement.imageCount) answers as in fp32, top-1 "
      + "\(EvaluationReport.percent(accuracies.int8)) against "
      + EvaluationReport.percent(accuracies.fp32)
    return reason.map { "left out: \($0) (\(found))" } ?? found
  }

  var json: JSONValue {
    var object: JSONObject = ["included": .boolean(calibration != nil)]
    if let agreement, let accuracies {
      object += [
        "images": .integer(agreement.imageCount), "agreement": .double(agreement.top1),
        "top1": .double(accuracies.int8), "top1_fp32": .double(accuracies.fp32),
      ]
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
  /// Held-out images that int8 is judged by at most, and at least.
  private static let judgedImageCountLimit = 500
  private static let judgedImageCountMinimum = 50

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
    var outcome = try judgement(of: candidate)
    guard !job.interruption.hasHappened else { return nil }
    guard let agreement = outcome.agreement else { return outcome }
    let least = QuantizeCommand.Settings().minimumAgreement
    if agreement.top1 < Double(least) {
      outcome.reason = "fewer than \(EvaluationReport.percent(Double(least))) agree"
    } else if let fault = try sampleFault(candidate) {
      outcome.reason = fault
    } else {
      calibration.method +=
        "; top-1 agreement \(EvaluationReport.percent(agreement.top1)) on \(agreement.imageCount) images "
        + "held out"
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

  private func judgement(of candidate: Model) throws -> IntegerOutcome {
    let compiled = try job.jobs.compiled(candidate, .int8)
    let partCount = job.jobs.count
    let parts = WorkerThread.parts(partCount, threads: partCount) {
      [self] part, _ -> Result<[(place: Int, numbers: [Float])], any Error> in
      Result {
        let classifier = try Classifier(compiled, limits: .init())
        let decoder = job.decoders.makeDecoder()
        var answers: [(Int, [Float])] = []
        for place in judged.indices where place % partCount == part {
          guard !job.interruption.hasHappened else { break }
          guard
            case .bytes(let bytes) = ImageReader.read(job.folder.images[judged[place].index].image)
          else { continue }
          let found = try classifier.classify(
            [bytes[...]], by: decoder, until: .now + GoldenChoice.timeout)
          if case .success(let numbers) = found[0] { answers.append((place, numbers)) }
        }
        return answers
      }
    }
    var agreement = Agreement()
    var (correctCount, integerCount) = (0, 0)
    for part in parts {
      for (place, numbers) in try part.get() {
        let reference = candidate.output.numbers(logits[place][...], labelCount: job.classCount)
        agreement.record(reference: reference, candidate: numbers)
        let label = split.label(of: judged[place])
        correctCount += Self.best(reference) == label ? 1 : 0
        integerCount += Self.best(numbers) == label ? 1 : 0
      }
    }
    guard agreement.imageCount >= Self.judgedImageCountMinimum else {
      return IntegerOutcome(reason: "too few of the images held out can be read again")
    }
    let count = Double(agreement.imageCount)
    return IntegerOutcome(
      agreement: agreement,
      accuracies: (Double(correctCount) / count, Double(integerCount) / count))
  }

  /// Returns why a server would refuse the model in int8; nil if it would not.
  private func sampleFault(_ candidate: Model) throws -> String? {
    guard !candidate.goldenSamples.isEmpty else { return nil }
    let check = try GoldenCheck(
      job.jobs.compiled(candidate, .int8), by: job.decoders.makeDecoder(),
      limits: .init(
        decoding: .init(), decodingTimeout: GoldenChoice.timeout, provingTimeout: nil),
      imageCount: candidate.goldenSamples.count)
    return try check.fault(candidate.goldenSamples, images: [])?.reason
  }

  /// The first of equal ones.
  private static func best(_ numbers: [Float]) -> Int? {
    numbers.max().flatMap { numbers.firstIndex(of: $0) }
  }

  /// Returns at most `count` places, spread evenly over all, and so over the classes.
  private static func spread(_ places: Range<Int>, _ count: Int) -> [Int] {
    guard places.count > count else { return Array(places) }
    return (0..<count).map { places.lowerBound + $0 * places.count / count }
  }
}
