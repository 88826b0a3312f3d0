import Glibc

/// What one precision answered over images whose classes are known; parts of it add up.
struct EvaluationTally: Sendable {
  struct Confusion: Hashable, Sendable {
    var label: Int
    var answer: Int
  }

  /// An image whose wrong answer was a sure one.
  struct Mistake: Sendable {
    var path: String
    var label: Int
    var answer: Int
    var confidence: Float
    /// Probability of the class that it is said to have.
    var labelProbability: Float
  }

  /// Classes that count as the best five.
  static let leadingClassCount = 5
  /// Mistakes that are kept, the surest ones.
  static let mistakeLimit = 16

  private(set) var imageCount = 0
  private(set) var correctCount = 0
  private(set) var leadingCount = 0
  private(set) var confusions: [Confusion: Int] = [:]
  private(set) var bins = CalibrationBins()
  private(set) var temperature = TemperatureSearch()
  private(set) var mistakes: [Mistake] = []
  private var logLossSum = 0.0

  /// Mean negative log-likelihood, in nats.
  var logLoss: Double { imageCount == 0 ? 0 : logLossSum / Double(imageCount) }

  var top1: Proportion { Proportion(correctCount, of: imageCount) }
  var top5: Proportion { Proportion(leadingCount, of: imageCount) }

  /// Takes in an image's probabilities, and the logits that they were made of at this temperature.
  mutating func record(
    _ path: String, label: Int, probabilities: [Float], logits: [Float], temperature: Float
  ) {
    let answer = Self.best(probabilities)
    let (own, confidence) = (probabilities[label], probabilities[answer])
    // Ties are broken by the order of the classes, as in answers.
    let betterCount = probabilities.indices.count {
      probabilities[$0] > own || (probabilities[$0] == own && $0 < label)
    }
    imageCount += 1
    correctCount += answer == label ? 1 : 0
    leadingCount += betterCount < Self.leadingClassCount ? 1 : 0
    confusions[Confusion(label: label, answer: answer), default: 0] += 1
    bins.record(confidence: confidence, isCorrect: answer == label)
    logLossSum += Self.logLoss(logits, label, Double(temperature))
    self.temperature.record(logits, label: label)
    guard answer != label else { return }
    mistakes.append(
      Mistake(
        path: path, label: label, answer: answer, confidence: confidence, labelProbability: own))
    keepSurest()
  }

  mutating func merge(_ other: EvaluationTally) {
    imageCount += other.imageCount
    correctCount += other.correctCount
    leadingCount += other.leadingCount
    confusions.merge(other.confusions, uniquingKeysWith: +)
    bins.merge(other.bins)
    temperature.merge(other.temperature)
    logLossSum += other.logLossSum
    mistakes += other.mistakes
    keepSurest()
  }

  private mutating func keepSurest() {
    guard mistakes.count > 1 else { return }
    mistakes.sort { ($1.confidence, $0.path) < ($0.confidence, $1.path) }
    mistakes = Array(mistakes.prefix(Self.mistakeLimit))
  }

  private static func best(_ numbers: [Float]) -> Int {
    numbers.indices.max { (numbers[$0], $1) < (numbers[$1], $0) } ?? 0
  }

  private static func logLoss(_ logits: [Float], _ label: Int, _ temperature: Double) -> Double {
    let largest = Double(logits.max() ?? 0)
    let sum = logits.reduce(0.0) { $0 + exp((Double($1) - largest) / temperature) }
    return log(sum) - (Double(logits[label]) - largest) / temperature
  }
}

/// One class in the answers of a precision.
struct ClassScore: Sendable {
  let index: Int
  /// Images that are said to have the class, that were answered with it, and both.
  var imageCount = 0
  var answerCount = 0
  var correctCount = 0

  var recall: Proportion { Proportion(correctCount, of: imageCount) }
  var precision: Proportion { Proportion(correctCount, of: answerCount) }

  /// Harmonic mean of precision and recall.
  var f1: Double {
    let sum = imageCount + answerCount
    return sum == 0 ? 0 : 2 * Double(correctCount) / Double(sum)
  }

  init(_ index: Int) { self.index = index }

  /// Returns the scores of all classes.
  static func all(_ tally: EvaluationTally, count: Int) -> [ClassScore] {
    var scores = (0..<count).map { ClassScore($0) }
    for (confusion, count) in tally.confusions {
      scores[confusion.label].imageCount += count
      scores[confusion.answer].answerCount += count
      if confusion.label == confusion.answer { scores[confusion.label].correctCount += count }
    }
    return scores
  }
}
