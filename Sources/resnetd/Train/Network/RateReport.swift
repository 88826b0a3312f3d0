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

  // MARK: Chart

  private static let (width, height, left, top) = (560.0, 300.0, 52.0, 12.0)

  /// Losses over the logarithm of the rate: a point for each step, and the line of their means.
  private var chart: String {
    let losses = search.trials.map(\.smoothedLoss)
    guard let first = search.trials.first, let low = losses.min() else { return "" }
    // An explosion would press the rest together.
    let high = max(first.smoothedLoss + (first.smoothedLoss - low), low + 1e-6)
    let rates = (log10(RateSearch.rates.lowerBound), log10(RateSearch.rates.upperBound))
    func x(_ rate: Double) -> String {
      let share = (log10(rate) - rates.0) / (rates.1 - rates.0)
      return Decimal.text(Self.left + Self.width * share, digits: 1)
    }
    func y(_ loss: Double) -> String {
      let share = min(max((loss - low) / (high - low), -0.03), 1)
      return Decimal.text(Self.top + Self.height * 0.95 * (1 - share), digits: 1)
    }
    let line = search.trials.map { "\(x($0.rate)),\(y($0.smoothedLoss))" }
    let points = search.trials.map { trial in
      """
      <circle cx="\(x(trial.rate))" cy="\(y(trial.loss))" r="2" fill="var(--soft)" opacity=".5">\
      <title>\(Self.number(trial.rate)): \(Decimal.text(trial.loss, digits: 4))</title></circle>
      """
    }
    let bottom = Self.top + Self.height
    let decades = stride(from: rates.0.rounded(), through: rates.1, by: 1).map { power in
      """
      <text x="\(x(pow(10, power)))" y="\(bottom + 16)" text-anchor="middle">\
      \(power >= -3 ? TrainingReport.number(pow(10, power)) : "1e\(Int(power))")</text>
      """
    }
    let bounds = [low, high].map { loss in
      """
      <text x="\(Self.left - 6)" y="\(y(loss))" dy="4" text-anchor="end">\
      \(TrainingReport.number(loss))</text>
      """
    }
    return """
      <svg width="640" height="356" viewBox="0 0 640 356" role="img" aria-label="loss over learning rate">
      <line x1="\(Self.left)" y1="\(bottom)" x2="\(Self.left + Self.width)" y2="\(bottom)" \
      class="axis"/>
      \((points + [marks(x, bottom)] + decades + bounds).joined(separator: "\n"))
      <polyline points="\(line.joined(separator: " "))" fill="none" stroke="var(--mark)" \
      stroke-width="2"><title>mean of the steps around</title></polyline>
      <text x="\(Self.left + Self.width / 2)" y="350" text-anchor="middle">\
      learning rate; height: loss of each step (points), mean of those around it (line)</text>
      </svg>
      """
  }

  /// A vertical line at the suggested rate and one at the steepest fall.
  private func marks(_ x: (Double) -> String, _ bottom: Double) -> String {
    let places = [
      (search.suggestion, "suggested", "var(--bad)", 12.0),
      (search.steepest?.rate, "falls fastest", "var(--soft)", 26.0),
    ]
    return places.map { rate, name, colour, offset in
      guard let rate else { return "" }
      return """
        <line x1="\(x(rate))" y1="\(Self.top)" x2="\(x(rate))" y2="\(bottom)" stroke="\(colour)" \
        stroke-dasharray="4 4"/><text x="\(x(rate))" y="\(Self.top + offset)" dx="4">\(name)</text>
        """
    }.joined(separator: "\n")
  }
}
