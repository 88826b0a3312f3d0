import Checkpoint
import Inference

/// How well a head does on images that it was not learned from.
struct HeadJudgement {
  /// Images below which a temperature would be a guess.
  private static let temperatureImageCountMinimum = 50
  /// Temperatures that are believed; others come from too few mistakes.
  private static let temperatureRange = 0.2...5.0

  /// An image whose class others of its kind speak against.
  struct Doubt: Sendable {
    var path: String
    var label: Int
    /// Class that the rest of the images suggests, and its probability.
    var suggestion: Int
    var confidence: Float
  }

  /// Least probability of another class at which a label is doubted.
  private static let doubtLimit: Float = 0.8
  static let doubtCountLimit = 24
  /// Images of a class below which those that were left out say nothing about it.
  private static let doubtedClassImageCount = 8

  /// How outputs become probabilities, by a temperature that these images suggest.
  let output: OutputRule
  /// Without images if the classes have too few for any judgement, or if labels are independent.
  let tally: EvaluationTally
  /// Answers about independent labels; nil if each image has a class.
  let labels: LabelTally?
  /// Whether each image was left out in turn, instead of being held out.
  let isCrossValidated: Bool

  /// - Parameter logits: Row-major `[images, classes]`.
  init(
    images: [SurveyedImage], logits: [Float], isCrossValidated: Bool, split: DataSplit,
    classCount: Int
  ) {
    self.isCrossValidated = isCrossValidated
    let rows = images.indices.map { Array(logits[$0 * classCount..<($0 + 1) * classCount]) }
    guard !split.hasIndependentLabels else {
      let plain = LabelTally(images, rows, split, temperature: 1)
      output = Self.output(.sigmoid, images.count, plain.bestTemperature?.temperature)
      labels = LabelTally(images, rows, split, temperature: output.temperature)
      tally = EvaluationTally()
      return
    }
    var search = TemperatureSearch()
    for (image, row) in zip(images, rows) { search.record(row, label: split.label(of: image)) }
    let output = Self.output(.softmax, images.count, search.best?.temperature)
    var tally = EvaluationTally()
    for (image, row) in zip(images, rows) {
      tally.record(
        split.path(of: image), label: split.label(of: image),
        probabilities: output.numbers(row[...], labelCount: classCount), logits: row,
        temperature: output.temperature)
    }
    (self.output, self.tally, labels) = (output, tally, nil)
  }

  /// Returns the rule with the temperature that so many images suggest, if it can be believed.
  private static func output(
    _ activation: OutputRule.Activation, _ imageCount: Int, _ best: Double?
  ) -> OutputRule {
    var output = OutputRule(activation: activation)
    guard imageCount >= temperatureImageCountMinimum, let best, temperatureRange ~= best else {
      return output
    }
    output.temperature = Float((best * 1000).rounded() / 1000)
    return output
  }

  /// Returns the images with the least likely labels, the most doubtful first, by logits of heads
  /// that were not learned from them.
  static func doubts(
    images: [SurveyedImage], logits: [Float], output: OutputRule, split: DataSplit, classCount: Int
  ) -> [Doubt] {
    var doubts: [Doubt] = []
    let counts = split.counts(of: split.learned)
    for (place, image) in images.enumerated() {
      let numbers = output.numbers(
        logits[place * classCount..<(place + 1) * classCount], labelCount: classCount)
      let label = split.label(of: image)
      guard let best = numbers.indices.max(by: { numbers[$0] < numbers[$1] }), best != label,
        numbers[best] >= doubtLimit, counts[label] >= doubtedClassImageCount
      else { continue }
      doubts.append(
        Doubt(
          path: split.path(of: image), label: label, suggestion: best, confidence: numbers[best]))
    }
    doubts.sort { ($1.confidence, $0.path) < ($0.confidence, $1.path) }
    return Array(doubts.prefix(doubtCountLimit))
  }
}
