import Checkpoint
import Glibc
import JSON

/// How well independent labels are answered, for a training's report.
struct LabelReport {
  let tally: LabelTally
  let labels: [String]
  /// Images that were answered, in words.
  let source: String

  /// Rows of a name and a value.
  var facts: [[String]] {
    [
      ["mean average precision", EvaluationReport.percent(tally.meanAveragePrecision)],
      ["mean F1 of the labels", EvaluationReport.percent(tally.meanF1)],
      [
        "all labels right",
        "\(EvaluationReport.percent(tally.exact.value)) of images (95 % interval "
          + "\(EvaluationReport.interval(tally.exact)))",
      ],
      ["log loss of an image", Decimal.text(tally.logLoss, digits: 4)],
      ["calibration error", EvaluationReport.percent(tally.bins.expectedError)],
    ]
  }

  var json: JSONValue {
    [
      "images": .integer(tally.imageCount),
      "mean_average_precision": .double(tally.meanAveragePrecision),
      "mean_f1": .double(tally.meanF1), "exact": .double(tally.exact.value),
      "log_loss": .double(tally.logLoss), "calibration_error": .double(tally.bins.expectedError),
      "labels": .array(
        zip(labels, tally.labels).map { name, label in
          [
            "label": .string(name), "images": .integer(label.imageCount),
            "recall": .double(label.recall.value),
            "precision": label.answerCount == 0 ? .null : .double(label.precision.value),
            "f1": .double(label.f1),
            "average_precision": label.averagePrecision.map { .double($0) } ?? .null,
          ]
        }),
    ]
  }

  // MARK: Page

  /// Labels of which the page has a row.
  private static let shownCount = 1000

  /// Returns the sections of a page.
  func sections(_ thumbnails: Thumbnails) -> [String] {
    var sections = [
      "<h2>Answers for \(source)</h2>",
      EvaluationPage.hint(
        "A label counts as answered from a probability of 50 % on. Recall is the share of the images "
          + "with a label that are answered with it, precision the share of its answers that are right, "
          + "and F1 both in one number, their harmonic mean. Average precision needs no 50 %: it is 100 % "
          + "if all images with the label are surer of it than those without. Log loss punishes wrong "
          + "answers, and the more the surer they were: 0 is perfect, and 50 % for every label gives "
          + "\(Decimal.text(Double(labels.count) * log(2), digits: 2))."),
      table,
      "<h2>Calibration</h2>",
      EvaluationPage.hint(
        "Of labels that are answered with 80 %, 80 of 100 should be there. Those in one row were answered "
          + "with about the same probability."),
      bins,
    ]
    let mistakes = tally.surestMistakes
    if !mistakes.isEmpty {
      sections += [
        "<h2>Surest mistakes</h2>",
        EvaluationPage.hint(
          "Labels that are there at a low probability, or are not at a high one. Some answers may be "
            + "right: the image is not in the folder of each of its labels."),
        mistakes.map { figure($0, thumbnails) }.joined(separator: "\n"),
      ]
    }
    return sections
  }

  private var table: String {
    let order = tally.labels.indices.sorted {
      (tally.labels[$0].averagePrecision ?? 2, $0) < (tally.labels[$1].averagePrecision ?? 2, $1)
    }
    let rows = order.prefix(Self.shownCount).map { index in
      let label = tally.labels[index]
      return [
        EvaluationPage.escaped(labels[index]), Decimal.grouped(label.imageCount),
        label.averagePrecision.map { EvaluationReport.percent($0) } ?? "–",
        label.imageCount == 0 ? "–" : EvaluationReport.percent(label.recall.value),
        label.imageCount == 0 ? "–" : EvaluationReport.interval(label.recall),
        label.answerCount == 0 ? "–" : EvaluationReport.percent(label.precision.value),
        EvaluationReport.percent(label.f1),
      ]
    }
    let head = [
      "label", "images", "average precision", "recall", "95 % interval", "precision", "F1",
    ]
    let rest = order.count - rows.count
    return EvaluationPage.table([head] + rows)
      + (rest > 0 ? "<p>… and \(rest) more labels.</p>" : "")
  }

  /// How often labels are there whose probability is in a range.
  private var bins: String {
    let width = 100 / Double(CalibrationBins.count)
    let rows = tally.bins.bins.enumerated().filter { $0.element.count > 0 }.map { index, bin in
      [
        "\(Decimal.text(Double(index) * width, digits: 0)) to "
          + "\(Decimal.text(Double(index + 1) * width, digits: 0)) %",
        Decimal.grouped(bin.count), EvaluationReport.percent(bin.meanConfidence),
        EvaluationReport.percent(bin.accuracy),
      ]
    }
    let head = ["probability", "labels of images", "mean probability", "are there"]
    return EvaluationPage.table([head] + rows)
  }

  private func figure(_ mistake: LabelTally.Mistake, _ thumbnails: Thumbnails) -> String {
    let name = EvaluationPage.escaped(labels[mistake.label])
    let share = EvaluationReport.percent(Double(mistake.probability))
    return EvaluationPage.figure(
      mistake.path,
      mistake.isThere
        ? "has <b>\(name)</b>, answered with \(share)"
        : "does not have <b>\(name)</b>, answered with \(share)", thumbnails)
  }
}
