import Glibc
import JSON
import Training

/// What a search for a learning rate found, for a terminal, as JSON and as a page.
struct RateReport {
  private let search: RateSearch
  private let recipe: String
  private let path: String

  /// - Parameters:
  ///   - recipe: How the steps were made, in words.
  ///   - path: The page.
  init(_ search: RateSearch, recipe: String, path: String) {
    (self.search, self.recipe, self.path) = (search, recipe, path)
  }

  private static func number(_ value: Double?) -> String {
    value.map { TrainingReport.number($0) } ?? "-"
  }

  /// The rate as an option takes it, with two significant digits.
  private var option: String? {
    search.suggestion.map { rate in
      let unit = pow(10, log10(rate).rounded(.down) - 1)
      // Divided by a whole number where it can be, so that the decimal is a short one.
      let digits = (rate / unit).rounded()
      return "\(unit < 1 ? digits / (1 / unit).rounded() : digits * unit)"
    }
  }

  private var rows: [[String]] {
    [
      ["least loss", "\(loss(search.least)) at a rate of \(Self.number(search.least?.rate))"],
      ["falls fastest", "at a rate of \(Self.number(search.steepest?.rate))"],
      [
        "ended",
        search.hasExploded
          ? "after a rate of \(Self.number(search.trials.last?.rate)), when the loss exploded"
          : "at a rate of \(Self.number(search.trials.last?.rate))",
      ],
      ["suggested", suggestion],
    ]
  }

  private func loss(_ trial: RateSearch.Trial?) -> String {
    trial.map { Decimal.text($0.smoothedLoss, digits: 4) } ?? "-"
  }

  private var suggestion: String {
    guard let option else { return "nothing: the first step's loss was not finite" }
    return "--learning-rate \(option), a tenth of the rate with the least loss"
      + (search.isClear
        ? ""
        : "; do not rely on it, because the loss hardly fell, or never rose again")
  }

  var text: String {
    TextTable(rows: rows).text + "\n\nwritten: \(path)"
  }

  var json: JSONValue {
    [
      "suggested_rate": option.flatMap(Double.init).map { .double($0) } ?? .null,
      "clear": .boolean(search.isClear), "exploded": .boolean(search.hasExploded),
      "least_loss_rate": search.least.map { .double($0.rate) } ?? .null,
      "steepest_rate": search.steepest.map { .double($0.rate) } ?? .null,
      "trials": .array(
        search.trials.map {
          [
            "rate": .double($0.rate), "loss": .double($0.loss),
            "smoothed_loss": .double($0.smoothedLoss),
          ]
        }),
      "page": .string(path),
    ]
  }

  var page: String {
    EvaluationPage.document(
      title: "Search for a learning rate",
      sections: [
        "<h1>Search for a learning rate</h1>",
        "<p>\(EvaluationPage.escaped("Each step with a higher rate than the one before: \(recipe)."))</p>",
        EvaluationPage.facts(rows), "<h2>Loss over rate</h2>", chart,
      ])
  }

  /// Losses over the logarithm of the rate: of each step, and their means, on which the suggested rate
  /// is marked.
  private var chart: String {
    let losses = search.trials.map(\.smoothedLoss)
    guard let first = losses.first, let low = losses.min() else { return "" }
    // An explosion would press the rest together.
    let high = max(2 * first - low, low + 1e-6)
    func line(_ name: String, _ loss: (RateSearch.Trial) -> Double) -> LineChart.Line {
      LineChart.Line(
        name: name, points: search.trials.map { ($0.rate, min(max(loss($0), low), high)) })
    }
    var single = line("each step") { $0.loss }
    single.isDashed = true
    var mean = line("mean around it") { $0.smoothedLoss }
    mean.dots = search.trials.map {
      "rate \(Self.number($0.rate)), loss \(Decimal.text($0.smoothedLoss, digits: 4))"
    }
    if let suggested = search.suggestion,
      let place = search.trials.indices.min(by: {
        abs(log(search.trials[$0].rate / suggested)) < abs(log(search.trials[$1].rate / suggested))
      })
    {
      mean.chosen = place
      mean.dots[place] += ", suggested"
    }
    return LineChart(
      title: "loss over learning rate",
      x: ChartAxis(
        "learning rate (large dot: suggested)", powersOfTenFor: search.trials.map(\.rate)),
      y: ChartAxis("log loss (lower is better)", [low, high]), lines: [single, mean]
    ).text
  }
}
