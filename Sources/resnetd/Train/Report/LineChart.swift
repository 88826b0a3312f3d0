/// Lines over two axes, as a picture that a narrow screen shows at full size.
struct LineChart {
  private static let (width, height, left, top) = (260.0, 150.0, 64.0, 26.0)

  struct Line {
    /// Name for the legend; empty where there is one line alone.
    var name: String
    var points: [(x: Double, y: Double)]
    var isDashed = false
    /// Text for each point that is drawn as a dot; none if empty.
    var dots: [String] = []
    /// Dot that is larger than the others.
    var chosen: Int?
  }

  /// The picture in words.
  let title: String
  let x: ChartAxis
  let y: ChartAxis
  let lines: [Line]

  var text: String {
    let legend = lines.filter { !$0.name.isEmpty }.enumerated().map { index, line in
      let start = Self.left + 120 * Double(index)
      return """
        <line x1="\(start)" y1="10" x2="\(start + 24)" y2="10" \(style(line))/>\
        <text x="\(start + 30)" y="14">\(EvaluationPage.escaped(line.name))</text>
        """
    }
    let (right, bottom) = (Self.left + Self.width, Self.top + Self.height)
    return """
      <svg width="340" height="222" viewBox="0 0 340 222" role="img" \
      aria-label="\(EvaluationPage.escaped(title))">
      \((yTicks + xTicks).joined(separator: "\n"))
      <line x1="\(Self.left)" y1="\(bottom)" x2="\(right)" y2="\(bottom)" class="axis"/>
      \((legend + lines.map(drawn)).joined(separator: "\n"))
      <text x="\(Self.left + Self.width / 2)" y="214" text-anchor="middle">\
      \(EvaluationPage.escaped(x.name))</text>
      <text transform="rotate(-90)" x="\(-(Self.top + Self.height / 2))" y="12" \
      text-anchor="middle">\(EvaluationPage.escaped(y.name))</text>
      </svg>
      """
  }

  private func style(_ line: Line) -> String {
    line.isDashed
      ? "stroke=\"var(--soft)\" stroke-dasharray=\"5 4\"" : "stroke=\"var(--mark)\""
  }

  private func place(x value: Double) -> String {
    Decimal.text(Self.left + Self.width * x.place(of: value), digits: 1)
  }

  private func place(y value: Double) -> String {
    Decimal.text(Self.top + Self.height * (1 - y.place(of: value)), digits: 1)
  }

  private var yTicks: [String] {
    y.ticks.map { tick in
      """
      <line x1="\(Self.left)" y1="\(place(y: tick))" x2="\(Self.left + Self.width)" \
      y2="\(place(y: tick))" class="axis"/>\
      <text x="\(Self.left - 6)" y="\(place(y: tick))" dy="4" text-anchor="end">\
      \(y.label(of: tick))</text>
      """
    }
  }

  private var xTicks: [String] {
    x.ticks.map { tick in
      """
      <text x="\(place(x: tick))" y="\(Self.top + Self.height + 16)" text-anchor="middle">\
      \(x.label(of: tick))</text>
      """
    }
  }

  private func drawn(_ line: Line) -> String {
    let points = line.points.map { "\(place(x: $0.x)),\(place(y: $0.y))" }
    let path = """
      <polyline points="\(points.joined(separator: " "))" fill="none" stroke-width="1.5" \
      \(style(line))><title>\(EvaluationPage.escaped(line.name))</title></polyline>
      """
    // One point makes no line.
    let titles = line.points.count == 1 && line.dots.isEmpty ? [line.name] : line.dots
    let dots = titles.enumerated().map { index, title in
      """
      <circle cx="\(place(x: line.points[index].x))" cy="\(place(y: line.points[index].y))" \
      r="\(index == line.chosen ? 6 : 3)" fill="var(--mark)">\
      <title>\(EvaluationPage.escaped(title))</title></circle>
      """
    }
    return ([path] + dots).joined(separator: "\n")
  }
}
