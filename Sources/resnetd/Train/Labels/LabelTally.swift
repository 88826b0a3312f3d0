import Glibc

/// Answers about labels that are independent of each other: an image may have several, or none.
struct LabelTally: Sendable {
  /// Probability from which a label counts as answered.
  static let threshold: Float = 0.5
  /// Mistakes that are kept, the surest ones.
  static let mistakeLimit = 16

  /// One label's answers.
  struct Label: Sendable {
    /// Images that have the label, that are answered with it, and both.
    var imageCount = 0
    var answerCount = 0
    var correctCount = 0
    fileprivate var answers: [(probability: Float, isThere: Bool)] = []

    var recall: Proportion { Proportion(correctCount, of: imageCount) }
    var precision: Proportion { Proportion(correctCount, of: answerCount) }

    /// Harmonic mean of precision and recall.
    var f1: Double {
      let sum = imageCount + answerCount
      return sum == 0 ? 0 : 2 * Double(correctCount) / Double(sum)
    }

    /// Area below precision over recall, by steps, as in scikit-learn's `average_precision_score`;
    /// nil if no image has the label.
    var averagePrecision: Double? {
      guard imageCount > 0 else { return nil }
      let sorted = answers.sorted { $0.probability > $1.probability }
      var (area, found, place) = (0.0, 0, 0)
      while place < sorted.count {
        // Equal probabilities are one step: nothing orders them.
        let end =
          sorted[place...].firstIndex { $0.probability < sorted[place].probability }
          ?? sorted.count
        let more = sorted[place..<end].count { $0.isThere }
        found += more
        area += Double(more) * Double(found) / Double(end)
        place = end
      }
      return area / Double(imageCount)
    }
  }

  /// A label that an image has, or has not, against a sure answer.
  struct Mistake: Sendable {
    var path: String
    var label: Int
    /// Whether the image is said to have the label.
    var isThere: Bool
    var probability: Float

    fileprivate var distance: Float { abs(probability - LabelTally.threshold) }
  }

  private(set) var labels: [Label]
  private(set) var imageCount = 0
  /// Images of which all labels are right.
  private(set) var exactCount = 0
  /// Labels of images that are right, there or not.
  private(set) var rightCount = 0
  private(set) var bins = CalibrationBins()
  private(set) var mistakes: [Mistake] = []
  private var search = TemperatureSearch()
  private var logLossSum = 0.0

  /// Takes in rows of logits of a training's images.
  init(_ images: [SurveyedImage], _ rows: [[Float]], _ split: DataSplit, temperature: Float) {
    self.init(labelCount: rows.first?.count ?? 0)
    for (image, row) in zip(images, rows) {
      record(
        split.path(of: image), labels: split.labels(of: image), logits: row,
        temperature: temperature)
    }
  }

  init(labelCount: Int) { labels = [Label](repeating: Label(), count: labelCount) }

  /// Takes in an image's logits, whose probabilities are made at this temperature.
  mutating func record(_ path: String, labels wanted: [Int], logits: [Float], temperature: Float) {
    precondition(logits.count == labels.count, "each label must have a logit")
    let there = Set(wanted)
    imageCount += 1
    var isExact = true
    for (label, logit) in logits.enumerated() {
      let isThere = there.contains(label)
      let scaled = Double(logit) / Double(temperature)
      let probability = Float(1 / (1 + exp(-scaled)))
      let isAnswered = probability >= Self.threshold
      labels[label].imageCount += isThere ? 1 : 0
      labels[label].answerCount += isAnswered ? 1 : 0
      labels[label].correctCount += isThere && isAnswered ? 1 : 0
      labels[label].answers.append((probability, isThere))
      bins.record(confidence: probability, isCorrect: isThere)
      // The logistic loss is that of two classes, one of whose logits is 0.
      search.record([0, logit], label: isThere ? 1 : 0)
      logLossSum += max(scaled, 0) - (isThere ? scaled : 0) + log1p(exp(-abs(scaled)))
      rightCount += isThere == isAnswered ? 1 : 0
      guard isThere != isAnswered else { continue }
      isExact = false
      mistakes.append(
        Mistake(path: path, label: label, isThere: isThere, probability: probability))
    }
    exactCount += isExact ? 1 : 0
    guard mistakes.count > 2 * Self.mistakeLimit else { return }
    mistakes = surestMistakes
  }

  /// Mistakes, the surest first.
  var surestMistakes: [Mistake] {
    let sorted = mistakes.sorted {
      ($1.distance, $0.path, $0.label) < ($0.distance, $1.path, $1.label)
    }
    return Array(sorted.prefix(Self.mistakeLimit))
  }

  var exact: Proportion { Proportion(exactCount, of: imageCount) }

  /// Share of all labels of all images that are right.
  var accuracy: Double {
    Double(rightCount) / Double(max(1, imageCount * labels.count))
  }

  /// Mean over images of the sum over labels of the negative log-likelihood, in nats.
  var logLoss: Double { logLossSum / Double(max(1, imageCount)) }

  /// Temperature that fits best, with the log loss at it.
  var bestTemperature: TemperatureSearch.Result? {
    search.best.map { best in
      .init(temperature: best.temperature, logLoss: best.logLoss * Double(labels.count))
    }
  }

  /// Mean of the labels' average precisions, without labels that no image has.
  var meanAveragePrecision: Double {
    let values = labels.compactMap(\.averagePrecision)
    return values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }

  var meanF1: Double {
    let present = labels.filter { $0.imageCount > 0 }
    return present.isEmpty ? 0 : present.map(\.f1).reduce(0, +) / Double(present.count)
  }
}
