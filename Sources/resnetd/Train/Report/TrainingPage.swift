import Checkpoint
import Training

/// A training's report as one page for a browser: that of an evaluation, with what was learned from
/// before it.
struct TrainingPage {
  private static let classLimit = 1000

  private let report: TrainingReport
  private let thumbnails: Thumbnails

  init(_ report: TrainingReport, _ thumbnails: Thumbnails) {
    (self.report, self.thumbnails) = (report, thumbnails)
  }

  var text: String {
    var sections = [
      "<h1>\(EvaluationPage.escaped(report.trained.model.name))</h1>",
      "<p>\(EvaluationPage.escaped(subject))</p>",
      EvaluationPage.facts(report.facts),
    ]
    if let course = report.trained.course, course.epochs.count > 1 {
      sections += [
        "<h2>Epochs</h2>",
        EvaluationPage.hint(
          "An epoch is one pass over all learned images. The line is for images held out, as new images "
            + "will be: where it gets worse while the dashes get better, the model learns its images by "
            + "heart. The best epoch is the one that was kept."),
        TrainingCurves(course).text,
      ]
    }
    if let fit = report.trained.fit, fit.trials.count > 1 {
      sections += [
        "<h2>Choice of the regularisation</h2>",
        EvaluationPage.hint(
          "It holds the weights of the last layer down. Too little of it learns the images by heart, too "
            + "much learns nothing. Each value was tried on images that were left out in turn, and the one "
            + "with the least log loss, the large dot, was taken."),
        trials(fit.trials),
      ]
    }
    if !report.trained.doubts.isEmpty {
      sections += [
        "<h2>Labels to look at again</h2>",
        EvaluationPage.hint(
          "Last layers that were learned without these images are sure of another class. The image may "
            + "lie in the wrong folder, show two things, or be unlike the others of its class. Correct what "
            + "is wrong, and train again."),
        doubts,
      ]
    }
    if let evaluation = report.evaluation {
      sections.append("<h2>Answers for \(evaluation.source)</h2>")
      sections += EvaluationPage(evaluation, thumbnails).sections
    }
    if let labels = report.labelEvaluation { sections += labels.sections(thumbnails) }
    sections += ["<h2>Images of each \(kind)</h2>", counts]
    if !report.notes.isEmpty {
      let items = report.notes.map { "<li>\(EvaluationPage.escaped($0))</li>" }.joined()
      sections.append("<h2>About the images</h2><ul>\(items)</ul>")
    }
    sections += ["<h2>How it was made</h2>", EvaluationPage.facts(report.origin)]
    return EvaluationPage.document(
      title: "\(report.trained.model.name): training", sections: sections)
  }

  private var subject: String {
    (report.trained.course?.recipe ?? "A new last layer on \(report.trained.parentName)")
      + "; learned from "
      + "\(Decimal.grouped(report.trained.split.learned.count)) images of "
      + "\(Decimal.grouped(report.folder.classes.count)) "
      + (report.trained.split.hasIndependentLabels
        ? "labels, independent of each other." : "classes.")
  }

  /// Log loss over regularisation, on images left out in turn; the chosen one is marked.
  private func trials(_ trials: [HeadFitter.Trial]) -> String {
    let losses = trials.map(\.logLoss)
    let measure = report.trained.split.hasIndependentLabels ? "labels right" : "top-1"
    let titles = trials.map { trial in
      "\(TrainingReport.number(trial.regularization)): log loss "
        + "\(Decimal.text(trial.logLoss, digits: 4)), \(measure) "
        + EvaluationReport.percent(trial.accuracy)
    }
    let line = LineChart.Line(
      name: "", points: trials.map { ($0.regularization, $0.logLoss) }, dots: titles,
      chosen: losses.min().flatMap { losses.firstIndex(of: $0) })
    return LineChart(
      title: "log loss over regularisation",
      x: ChartAxis("regularisation", powersOfTenFor: trials.map(\.regularization)),
      y: ChartAxis("log loss (lower is better)", losses), lines: [line]
    ).text
  }

  /// Learned and held-out images of each class or label.
  private var counts: String {
    let split = report.trained.split
    let (learned, heldOut) = (split.counts(of: split.learned), split.counts(of: split.heldOut))
    let most = Double(max(1, learned.max() ?? 1))
    let rows = report.folder.classes.prefix(Self.classLimit).enumerated().map { index, name in
      let share = Decimal.text(100 * Double(learned[index]) / most, digits: 1)
      return [
        EvaluationPage.escaped(name),
        "<span class=\"bar\"><i style=\"width:\(share)%\"></i></span> "
          + Decimal.grouped(learned[index]), Decimal.grouped(heldOut[index]),
      ]
    }
    let rest = report.folder.classes.count - rows.count
    return EvaluationPage.hint(
      "The model learns from the first number, and is judged by the second. "
        + (split.hasIndependentLabels
          ? "An image counts for each of its labels. \(withoutLabels)"
          : "Classes with far fewer images than others are answered too seldom."))
      + EvaluationPage.table([[kind, "learned", "held out"]] + rows)
      + (rest > 0 ? "<p>… and \(rest) more.</p>" : "")
  }

  /// The word for what folders mean.
  private var kind: String { report.trained.split.hasIndependentLabels ? "label" : "class" }

  private var withoutLabels: String {
    let split = report.trained.split
    let (learned, heldOut) = (
      split.learned.count { split.labels(of: $0).isEmpty },
      split.heldOut.count { split.labels(of: $0).isEmpty }
    )
    return "Without any are \(Decimal.grouped(learned)) learned images and "
      + "\(Decimal.grouped(heldOut)) held out."
  }

  private var doubts: String {
    report.trained.doubts.map { doubt in
      EvaluationPage.figure(
        doubt.path,
        """
        said to be \(EvaluationPage.escaped(report.folder.classes[doubt.label])), looks like \
        <b>\(EvaluationPage.escaped(report.folder.classes[doubt.suggestion]))</b>, \
        \(EvaluationReport.percent(Double(doubt.confidence)))
        """, thumbnails)
    }.joined(separator: "\n")
  }
}
