/// Loss, accuracy and rate over epochs, as pictures of lines.
struct TrainingCurves {
  private let record: CourseRecord

  init(_ record: CourseRecord) { self.record = record }

  var text: String {
    [
      chart(
        "loss", "log loss (lower is better)",
        [line("held out") { $0.heldOutLoss }, line("learned", isDashed: true) { $0.loss }]),
      chart(
        "accuracy", "right answers", unit: " %",
        [
          line("held out") { $0.heldOutAccuracy.map { 100 * $0 } },
          line("learned", isDashed: true) { 100 * $0.accuracy },
        ]),
      chart("learning rate", "learning rate", [line("") { $0.rate }]),
    ].joined(separator: "\n")
  }

  /// Returns a line; nil if not every epoch has the number.
  private func line(
    _ name: String, isDashed: Bool = false, _ value: (CourseRecord.Epoch) -> Double?
  ) -> LineChart.Line? {
    let points = record.epochs.compactMap { epoch in
      value(epoch).map { (x: Double(epoch.number), y: $0) }
    }
    guard points.count == record.epochs.count else { return nil }
    return LineChart.Line(name: name, points: points, isDashed: isDashed)
  }

  private func chart(
    _ title: String, _ measure: String, unit: String = "", _ lines: [LineChart.Line?]
  ) -> String {
    let lines = lines.compactMap(\.self)
    let values = lines.flatMap { $0.points.map(\.y) }.filter(\.isFinite)
    guard !values.isEmpty else { return "" }
    return LineChart(
      title: "\(title) over epochs", x: ChartAxis("epoch", countingTo: record.epochs.count),
      y: ChartAxis(measure, values, unit: unit), lines: lines
    ).text
  }
}
