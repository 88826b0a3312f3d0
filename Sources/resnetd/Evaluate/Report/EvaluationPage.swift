import Engine
import Files
import Glibc
import Imaging
import Words

/// An evaluation as one page for a browser, which asks for nothing else and follows its light or
/// dark setting.
struct EvaluationPage {
  /// Classes of which the page shows a whole matrix.
  private static let matrixClassLimit = 40
  private static let classLimit = 1000
  private static let mixupLimit = 50

  private let report: EvaluationReport
  private let thumbnails: Thumbnails

  init(_ report: EvaluationReport, _ thumbnails: Thumbnails) {
    (self.report, self.thumbnails) = (report, thumbnails)
  }

  var text: String {
    Self.document(
      title: "\(report.name): evaluation",
      sections: [
        "<h1>\(Self.escaped(report.name))</h1>", "<p>\(Self.escaped(report.subject))</p>",
      ] + [report.learnedNote].compactMap(\.self).map { "<p>\(Self.escaped($0))</p>" }
        + sections)
  }

  /// Everything below the heading.
  var sections: [String] {
    let first = report.parts[0]
    var sections = [
      summary,
      Self.hint(
        "Top-1 is the share of images whose surest answer is right"
          + (report.hasTop5 ? ", top-5 of those whose class is among the five surest" : "")
          + ". Images of the same kind would give a share within the interval 95 times of "
          + "100. Log loss punishes wrong answers, and the more the surer they were: 0 is perfect, and "
          + "taking all classes for equally likely gives "
          + "\(Decimal.text(log(Double(max(1, report.labels.count))), digits: 2))."),
      "<h2>Calibration, \(first.precision.rawValue)</h2>",
      Self.hint(
        "A model that is 80 % sure should be right 80 times of 100. Each bar stands for answers of about "
          + "the same confidence, and is as high as the share of them that is right: below the dashes the "
          + "model is too sure, above them not sure enough."),
      calibration(first.tally),
    ]
    sections += confusion(first)
    sections += [
      "<h2>Classes, \(first.precision.rawValue)</h2>",
      Self.hint(
        "Recall is the share of a class's images that were recognised. Precision is the share of the "
          + "answers with this class that were right. F1 is both in one number, their harmonic mean."
      ),
      classes(first),
    ]
    if !first.tally.mistakes.isEmpty {
      sections += [
        "<h2>Surest mistakes</h2>",
        Self.hint(
          "Wrong answers with the highest probabilities. Some may be right, and the label wrong."),
        mistakes(first.tally),
      ]
    }
    let notes = report.notes.dropFirst(report.learnedNote == nil ? 0 : 1)
    if !notes.isEmpty {
      let items = notes.map { "<li>\(Self.escaped($0))</li>" }.joined()
      sections += ["<h2>Notes</h2><ul>\(items)</ul>"]
    }
    return sections
  }

  /// Returns a whole page.
  static func document(title: String, sections: [String]) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
    <title>\(escaped(title))</title>
    <style>\(style)</style></head><body><main>
    \(sections.joined(separator: "\n"))
    </main></body></html>

    """
  }

  /// Returns a paragraph that says what a section means.
  static func hint(_ text: String) -> String { "<p class=\"hint\">\(escaped(text))</p>" }

  /// Returns rows of a name and a value, without a heading.
  static func facts(_ rows: [[String]]) -> String {
    let lines = rows.map { row in
      "<tr>" + row.map { "<td>\(escaped($0))</td>" }.joined() + "</tr>"
    }
    return "<table class=\"facts\">\(lines.joined(separator: "\n"))</table>"
  }

  /// Returns an image with a caption, which is HTML, and its path.
  static func figure(_ path: String, _ caption: String, _ thumbnails: Thumbnails) -> String {
    let image = thumbnails.url(of: path).map { "<img alt=\"\" src=\"\($0)\">" } ?? ""
    return """
      <figure>\(image)<figcaption>\(caption)<br>\(escaped(path))</figcaption></figure>
      """
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --soft: #667; --line: #dde;
      --mark: #2468b0; --bad: #c0392b; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #15171a; --soft: #9aa;
      --line: #333840; --mark: #6aa9ec; --bad: #ef7b6d; } }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 15px/1.45 system-ui, sans-serif; }
    main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
    .hint { color: var(--soft); max-width: 46rem; margin: .3rem 0 .8rem; }
    .facts td { text-align: left; vertical-align: top; overflow-wrap: anywhere; }
    .facts td:first-child { white-space: nowrap; overflow-wrap: normal; color: var(--soft); }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
    th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
    th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
    .matrix td, .matrix th { padding: .15rem .35rem; font-size: .8rem; border: 0; }
    .right { background: color-mix(in srgb, var(--mark) var(--p), transparent); }
    .wrong { background: color-mix(in srgb, var(--bad) var(--p), transparent); }
    .turned { writing-mode: vertical-rl; text-align: left; }
    .bar { display: inline-block; width: 6rem; height: .6rem; background: var(--line); }
    .bar i { display: block; height: 100%; background: var(--mark); }
    figure { display: inline-block; width: 8.5rem; margin: 0 1rem 1rem 0; vertical-align: top;
      font-size: .8rem; overflow-wrap: anywhere; }
    figure img { width: 8rem; height: 8rem; object-fit: contain; image-rendering: pixelated;
      background: var(--line); }
    svg { max-width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; } svg .axis { stroke: var(--line); }
    """

  private var summary: String {
    Self.table(report.summary.rows.map { $0.map(Self.escaped) })
  }

  // MARK: Sections

  /// Accuracy over confidence: bars on the diagonal are what they promise.
  private func calibration(_ tally: EvaluationTally) -> String {
    let (size, left, top) = (240.0, 64.0, 10.0)
    func x(_ share: Double) -> String { Decimal.text(left + share * size, digits: 1) }
    func y(_ share: Double) -> String { Decimal.text(top + (1 - share) * size, digits: 1) }
    let width = size / Double(CalibrationBins.count)
    let bars = tally.bins.bins.enumerated().filter { $0.element.count > 0 }.map { index, bin in
      let title =
        "\(Decimal.grouped(bin.count)) images, confidence "
        + "\(EvaluationReport.percent(bin.meanConfidence)), right "
        + EvaluationReport.percent(bin.accuracy)
      return """
        <rect x="\(x(Double(index) / Double(CalibrationBins.count)))" y="\(y(bin.accuracy))" \
        width="\(Decimal.text(width - 1, digits: 1))" \
        height="\(Decimal.text(bin.accuracy * size, digits: 1))" fill="var(--mark)" \
        opacity=".75"><title>\(title)</title></rect>
        """
    }
    let ticks = [0, 0.5, 1].map { share in
      """
      <text x="\(x(share))" y="\(Decimal.text(top + size + 16, digits: 0))" \
      text-anchor="middle">\(Decimal.text(100 * share, digits: 0)) %</text>\
      <text x="\(Decimal.text(left - 6, digits: 0))" y="\(y(share))" dy="4" \
      text-anchor="end">\(Decimal.text(100 * share, digits: 0)) %</text>
      """
    }
    return """
      <svg width="332" height="296" viewBox="0 0 332 296" role="img" aria-label="accuracy over confidence">
      <rect x="\(x(0))" y="\(y(1))" width="\(size)" height="\(size)" fill="none" class="axis"/>
      \(bars.joined(separator: "\n"))
      <line x1="\(x(0))" y1="\(y(0))" x2="\(x(1))" y2="\(y(1))" stroke="var(--soft)" \
      stroke-dasharray="4 4"/>
      \(ticks.joined(separator: "\n"))
      <text x="\(x(0.5))" y="288" text-anchor="middle">confidence of the answer</text>
      <text transform="rotate(-90)" x="\(-(top + size / 2))" y="12" text-anchor="middle">\
      share that is right</text>
      </svg>
      """
  }

  private func confusion(_ part: EvaluationReport.Part) -> [String] {
    let mixups = part.mixups
    guard !mixups.isEmpty else { return [] }
    let heading = "<h2>Which classes are taken for which, \(part.precision.rawValue)</h2>"
    if report.labels.count <= Self.matrixClassLimit { return [heading, matrix(part)] }
    let rows = mixups.prefix(Self.mixupLimit).map { mixup in
      [
        Self.escaped(report.label(mixup.confusion.label)),
        Self.escaped(report.label(mixup.confusion.answer)), Decimal.grouped(mixup.count),
      ]
    }
    return [heading, Self.table([["class", "taken for", "images"]] + rows)]
  }

  private func matrix(_ part: EvaluationReport.Part) -> String {
    let classes = report.labels.indices
    let names = classes.map { Self.escaped(report.label($0)) }
    let head = names.map { "<th><span class=\"turned\">\($0)</span></th>" }.joined()
    let rows = classes.map { label in
      let cells = classes.map { answer -> String in
        let count = part.tally.confusions[.init(label: label, answer: answer)] ?? 0
        guard count > 0 else { return "<td></td>" }
        let share = Double(count) / Double(max(part.scores[label].imageCount, 1))
        // Rare mistakes must be seen beside frequent ones.
        let strength = Decimal.text(100 * share.squareRoot() * 0.65, digits: 0)
        return "<td class=\"\(label == answer ? "right" : "wrong")\" style=\"--p:\(strength)%\">"
          + "\(Decimal.grouped(count))</td>"
      }
      return "<tr><th>\(names[label])</th>\(cells.joined())</tr>"
    }
    return Self.hint(
      "Rows: the class that images have; columns: the answer. What is not on the diagonal are mistakes."
    )
      + "<div class=\"scroll\">"
      + "<table class=\"matrix\"><tr><th></th>\(head)</tr>\(rows.joined())</table></div>"
  }

  private func classes(_ part: EvaluationReport.Part) -> String {
    let scores = part.present.sorted {
      ($0.recall.value, $0.index) < ($1.recall.value, $1.index)
    }
    let rows = scores.prefix(Self.classLimit).map { score in
      let share = Decimal.text(score.recall.value * 100, digits: 1)
      return [
        Self.escaped(report.label(score.index)), Decimal.grouped(score.imageCount),
        "<span class=\"bar\"><i style=\"width:\(share)%\"></i></span> "
          + EvaluationReport.percent(score.recall.value),
        EvaluationReport.interval(score.recall),
        score.answerCount == 0 ? "–" : EvaluationReport.percent(score.precision.value),
        EvaluationReport.percent(score.f1),
      ]
    }
    let rest = scores.count - rows.count
    return Self.table([["class", "images", "recall", "95 % interval", "precision", "F1"]] + rows)
      + (rest > 0 ? "<p>… and \(rest) more classes.</p>" : "")
  }

  private func mistakes(_ tally: EvaluationTally) -> String {
    tally.mistakes.map { mistake in
      Self.figure(
        mistake.path,
        """
        \(Self.escaped(report.label(mistake.label))), taken for \
        <b>\(Self.escaped(report.label(mistake.answer)))</b>, \
        \(EvaluationReport.percent(Double(mistake.confidence)))
        """, thumbnails)
    }.joined(separator: "\n")
  }

  // MARK: Parts

  static func table(_ rows: [[String]]) -> String {
    let lines = rows.enumerated().map { index, row in
      let tag = index == 0 ? "th" : "td"
      return "<tr>" + row.map { "<\(tag)>\($0)</\(tag)>" }.joined() + "</tr>"
    }
    return "<div class=\"scroll\"><table>\(lines.joined(separator: "\n"))</table></div>"
  }

  static func escaped(_ text: String) -> String {
    PlainText.line(text).replacingText("&", with: "&amp;").replacingText("<", with: "&lt;")
      .replacingText(">", with: "&gt;").replacingText("\"", with: "&quot;")
  }
}
