/// Loss, accuracy and rate over epochs, as pictures of lines.
struct TrainingCurves {
  private static let (width, height, left, top) = (420.0, 170.0, 52.0, 12.0)

  private struct Line {
    var name: String
    var values: [Double]
    var style: String
  }

  private let record: CourseRecord

  init(_ record: CourseRecord) { self.record = record }

  var text: String {
    let epochs = record.epochs
    func line(_ name: String, _ style: String, _ value: (CourseRecord.Epoch) -> Double?) -> Line? {
      let values = epochs.compactMap(value)
      return values.count == epochs.count ? Line(name: name, values: values, style: style) : nil
    }
    let solid = "stroke=\"var(--mark)\""
    let dashed = "stroke=\"var(--soft)\" stroke-dasharray=\"5 4\""
    return [
      chart(
        "loss",
        [line("held out", solid) { $0.heldOutLoss }, line("learned", dashed) { $0.loss }]),
      chart(
        "accuracy",
        [line("held out", solid) { $0.heldOutAccuracy }, line("learned", dashed) { $0.accuracy }]),
      chart("learning rate", [line("rate", solid) { $0.rate }]),
    ].joined(separator: "\n")
  }

  private func chart(_ title: String, _ lines: [Line?]) -> String {
    let lines = lines.compactMap(\.self)
    let all = lines.flatMap(\.values)
    guard let low = all.min(), let high = all.max() else { return "" }
    let span = max(high - low, 1e-12)
    let count = max(record.epochs.count - 1, 1)
    func x(_ index: Int) -> String {
      Decimal.text(Self.left + Self.width * Double(index) / Double(count), digits: 1)
    }
    func y(_ value: Double) -> String {
      Decimal.text(Self.top + Self.height * (1 - (value - low) / span), digits: 1)
    }
    let paths = lines.map { line in
      let points = line.values.enumerated().map { "\(x($0.offset)),\(y($0.element))" }
      return """
        <polyline points="\(points.joined(separator: " "))" fill="none" \(line.style)>\
        <title>\(line.name)</title></polyline>
        """
    }
    let bounds = [low, high].map { value in
      """
      <text x="\(Self.left - 6)" y="\(y(value))" dy="4" text-anchor="end">\
      \(TrainingReport.number(value))</text>
      """
    }
    let names =
      lines.map(\.name).joined(separator: " (line), ") + (lines.count > 1 ? " (dashes)" : "")
    return """
      <svg width="500" height="228" viewBox="0 0 500 228" role="img" aria-label="\(title) over epochs">
      <line x1="\(Self.left)" y1="\(Self.top + Self.height)" x2="\(Self.left + Self.width)" \
      y2="\(Self.top + Self.height)" class="axis"/>
      \((paths + bounds).joined(separator: "\n"))
      <text x="\(Self.left)" y="\(Self.top + Self.height + 16)">1</text>
      <text x="\(Self.left + Self.width)" y="\(Self.top + Self.height + 16)" text-anchor="end">\
      \(record.epochs.count)</text>
      <text x="\(Self.left + Self.width / 2)" y="222" text-anchor="middle">\
      \(title) over epochs: \(names)</text>
      </svg>
      """
  }
}
