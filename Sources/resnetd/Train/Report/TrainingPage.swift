import Checkpoint
import Training

/// A training's report as one page for a browser: that of an evaluation, with what was learned from
/// before it.
struct TrainingPage {
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
      sections += ["<h2>Epochs</h2>", TrainingCurves(course).text]
    }
    if let fit = report.trained.fit, fit.trials.count > 1 {
      sections += ["<h2>Choice of the regularisation</h2>", trials(fit.trials)]
    }
    if !report.trained.doubts.isEmpty {
      sections += [
        "<h2>Labels to look at again</h2>",
        "<p>Heads that were learned without these images answer them with another class.</p>",
        doubts,
      ]
    }
    if let evaluation = report.evaluation {
      sections.append("<h2>Answers for \(evaluation.source)</h2>")
      sections += EvaluationPage(evaluation, thumbnails).sections
    }
    if let labels = report.labelEvaluation { sections += labels.sections(thumbnails) }
    let notes = report.folder.notes + report.trained.split.notes
    if !notes.isEmpty {
      let items = notes.map { "<li>\(EvaluationPage.escaped($0))</li>" }.joined()
      sections.append("<h2>About the images</h2><ul>\(items)</ul>")
    }
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
    let (width, height, left, top) = (420.0, 180.0, 46.0, 12.0)
    let losses = trials.map(\.logLoss)
    guard let low = losses.min(), let high = losses.max() else { return "" }
    let span = max(high - low, 1e-9)
    func x(_ index: Int) -> String {
      Decimal.text(left + width * Double(index) / Double(trials.count - 1), digits: 1)
    }
    func y(_ loss: Double) -> String {
      Decimal.text(top + height * (1 - (loss - low) / span), digits: 1)
    }
    func bound(_ loss: Double) -> String {
      """
      <text x="\(left - 6)" y="\(y(loss))" dy="4" text-anchor="end">\
      \(Decimal.text(loss, digits: 2))</text>
      """
    }
    let points = trials.indices.map { "\(x($0)),\(y(trials[$0].logLoss))" }
    let marks = trials.enumerated().map { index, trial in
      let title =
        "\(TrainingReport.number(trial.regularization)): log loss "
        + "\(Decimal.text(trial.logLoss, digits: 4)), right "
        + EvaluationReport.percent(trial.accuracy)
      return """
        <circle cx="\(x(index))" cy="\(y(trial.logLoss))" r="\(trial.logLoss == low ? 6 : 3)" \
        fill="var(--mark)"><title>\(title)</title></circle>
        """
    }
    let names = trials.enumerated().filter { $0.offset.isMultiple(of: 2) }.map { index, trial in
      """
      <text x="\(x(index))" y="\(Decimal.text(top + height + 18, digits: 0))" \
      text-anchor="middle">\(TrainingReport.number(trial.regularization))</text>
      """
    }
    return """
      <svg width="500" height="236" viewBox="0 0 500 236" role="img" aria-label="log loss over regularisation">
      <line x1="\(left)" y1="\(top + height)" x2="\(left + width)" y2="\(top + height)" \
      class="axis"/>
      <polyline points="\(points.joined(separator: " "))" fill="none" stroke="var(--mark)"/>
      \((marks + names + [bound(high), bound(low)]).joined(separator: "\n"))
      <text x="\(left + width / 2)" y="232" text-anchor="middle">\
      regularisation; height: log loss</text>
      </svg>
      """
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
