import Engine

extension EvaluationReport {
  /// Classes and pairs of classes that a terminal shows at most.
  private static let shownCount = 20

  /// The report for a terminal.
  var text: String {
    // What makes the figures worthless is read before them.
    var blocks = [subject] + [learnedNote].compactMap(\.self)
    blocks += [summary.text, classes]
    if let mixups { blocks.append(mixups) }
    let rest = notes.dropFirst(learnedNote == nil ? 0 : 1)
    if !rest.isEmpty { blocks.append(rest.joined(separator: "\n")) }
    return blocks.joined(separator: "\n\n")
  }

  static func percent(_ share: Double) -> String { Decimal.text(share * 100, digits: 2) + " %" }

  static func interval(_ share: Proportion) -> String {
    let (low, high) = share.interval
    return "\(Decimal.text(low * 100, digits: 2))–\(Decimal.text(high * 100, digits: 2)) %"
  }

  /// Whether the best five answers are not simply all of them.
  var hasTop5: Bool { labels.count > 5 }

  /// Rows of a name and a value for each precision, shared with the page.
  var summary: TextTable {
    func row(_ name: String, _ value: (Part) -> String) -> [String] { [name] + parts.map(value) }
    var rows = [
      row("") { $0.precision.rawValue },
      row("top-1") { Self.percent($0.tally.top1.value) },
      row("  95 % interval") { Self.interval($0.tally.top1) },
    ]
    if hasTop5 {
      rows += [
        row("top-5") { Self.percent($0.tally.top5.value) },
        row("  95 % interval") { Self.interval($0.tally.top5) },
      ]
    }
    rows += [
      row("mean recall of the classes") { Self.percent($0.meanRecall) },
      row("mean precision of the classes") { Self.percent($0.meanPrecision) },
      row("mean F1 of the classes") { Self.percent($0.meanF1) },
      row("log loss") { Decimal.text($0.tally.logLoss, digits: 4) },
      row("calibration error, 15 bins") { Self.percent($0.tally.bins.expectedError) },
      row("best temperature") {
        $0.tally.temperature.best.map { Decimal.text($0.temperature, digits: 3) } ?? "none"
      },
      row("  log loss with it") {
        $0.tally.temperature.best.map { Decimal.text($0.logLoss, digits: 4) } ?? ""
      },
    ]
    if parts.count > 1 {
      let first = parts[0].precision.rawValue
      rows.append(
        row("same best class as \(first)") { $0.agreement.map { Self.percent($0.top1) } ?? "" })
      rows.append(
        row("largest difference of a probability") {
          $0.agreement.map { Decimal.text(Double($0.largestProbabilityDifference), digits: 4) }
            ?? ""
        })
    }
    return TextTable(rows: rows, rightAligned: Set(1...parts.count))
  }

  private var classes: String {
    let scores = parts[0].present.sorted {
      ($0.recall.value, $0.index) < ($1.recall.value, $1.index)
    }
    let rows = scores.prefix(Self.shownCount).map { score in
      [
        PlainText.line(label(score.index)), Decimal.grouped(score.imageCount),
        Self.percent(score.recall.value), Self.interval(score.recall),
        score.answerCount == 0 ? "-" : Self.percent(score.precision.value), Self.percent(score.f1),
      ]
    }
    let heading = ["class", "images", "recall", "95 % interval", "precision", "F1"]
    let rest = scores.count - rows.count
    let table = TextTable(rows: [heading] + rows, rightAligned: [1, 2, 3, 4, 5]).text
    return "\(parts[0].precision.rawValue), lowest recall first\n" + table
      + (rest > 0 ? "\n… and \(rest) more classes: --json and --page have more" : "")
  }

  private var mixups: String? {
    let mixups = parts[0].mixups
    guard !mixups.isEmpty else { return nil }
    let rows = mixups.prefix(10).map { mixup in
      [
        Decimal.grouped(mixup.count), PlainText.line(label(mixup.confusion.label)),
        "taken for \(PlainText.line(label(mixup.confusion.answer)))",
      ]
    }
    return "most frequent mistakes\n" + TextTable(rows: Array(rows), rightAligned: [0]).text
  }
}
