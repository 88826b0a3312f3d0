import Checkpoint
import Engine
import Inference

/// Everything that an evaluation found, for a terminal, as JSON and as a page.
struct EvaluationReport {
  /// One precision's part.
  struct Part {
    let precision: Precision
    let tally: EvaluationTally
    let scores: [ClassScore]
    /// Agreement with the first precision; nil for that itself.
    let agreement: Agreement?

    /// Scores of classes that have images.
    var present: [ClassScore] { scores.filter { $0.imageCount > 0 } }

    /// Wrong pairs of classes, the most frequent first.
    var mixups: [(confusion: EvaluationTally.Confusion, count: Int)] {
      tally.confusions.filter { $0.key.label != $0.key.answer }
        .map { ($0.key, $0.value) }
        .sorted {
          ($1.1, $0.0.label, $0.0.answer) < ($0.1, $1.0.label, $1.0.answer)
        }
    }

    var meanRecall: Double { Self.mean(present.map(\.recall.value)) }
    var meanPrecision: Double { Self.mean(present.map(\.precision.value)) }
    var meanF1: Double { Self.mean(present.map(\.f1)) }

    private static func mean(_ values: [Double]) -> Double {
      values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }
  }

  let name: String
  let version: ModelVersion
  let labels: [String]
  let displayNames: [String: String]
  let temperature: Float
  let source: String
  let parts: [Part]
  let failureCount: Int
  let duration: Duration
  /// Sentences about what was passed over or left out.
  let notes: [String]
  /// Sentence about images that the model has learned, the first of the notes; nil if none is known.
  let learnedNote: String?
  /// Images among them that the model has learned; nil if its file does not tell.
  let learned: LearnedImages?

  init(
    _ models: [CompiledModel], _ outcome: EvaluationRun.Outcome, source: String,
    leftOut: [String], learned: LearnedImages?, isEarly: Bool
  ) {
    let model = models[0]
    (name, version, labels) = (model.name, model.version, model.labels)
    (displayNames, temperature) = (model.output.displayNames, model.output.temperature)
    self.source = source
    failureCount = outcome.failureCount
    duration = outcome.duration
    parts = models.indices.map { index in
      let tally = outcome.whole.tallies[index]
      return Part(
        precision: models[index].precision, tally: tally,
        scores: ClassScore.all(tally, count: model.labels.count),
        agreement: index == 0 ? nil : outcome.whole.agreements[index])
    }
    var notes = outcome.notes + leftOut
    if isEarly { notes.insert("ended early: these are the first images only", at: 0) }
    if failureCount > 0 {
      notes.append("left out: \(Decimal.grouped(failureCount)) images that cannot be read")
    }
    let missing = parts[0].scores.filter { $0.imageCount == 0 }
    if !missing.isEmpty {
      let shown = missing.prefix(3).map { "\"\(model.labels[$0.index])\"" }.joined(separator: ", ")
      notes.append(
        "without an image: \(missing.count) of \(model.labels.count) classes (\(shown)"
          + (missing.count > 3 ? ", …)" : ")"))
    }
    learnedNote = learned?.note(of: parts[0].tally.imageCount)
    if let learnedNote { notes.insert(learnedNote, at: 0) }
    (self.notes, self.learned) = (notes, learned)
  }

  /// Reports what a model just made answered in fp32.
  init(of model: Model, _ tally: EvaluationTally, source: String, duration: Duration) {
    (name, version, labels) = (model.name, model.version, model.labels)
    (displayNames, temperature) = (model.output.displayNames, model.output.temperature)
    (self.source, self.duration) = (source, duration)
    let scores = ClassScore.all(tally, count: model.labels.count)
    parts = [Part(precision: .fp32, tally: tally, scores: scores, agreement: nil)]
    (failureCount, notes, learned, learnedNote) = (0, [], nil, nil)
  }

  func label(_ index: Int) -> String { displayNames[labels[index]] ?? labels[index] }

  /// The headline of a report.
  var subject: String {
    let first = parts[0]
    return "\(name) \(version.short) on \(PlainText.line(source)): "
      + "\(Decimal.grouped(first.tally.imageCount)) images of \(first.present.count) classes"
  }
}
