import Glibc

/// A line that shows the progress of long work; nothing if standard error is not a terminal.
struct ProgressBar {
  /// Unit that the line shows.
  enum Unit {
    case items
    case bytes
  }

  private static let width = 30
  private static let interval = Duration.milliseconds(100)

  private let label: String
  private let unit: Unit
  /// Total amount; 0 while it is unknown.
  private var total: Int
  /// What else is worth knowing, after the numbers.
  var detail = ""
  /// Characters of the detail as it was shown last, which a shorter one must overwrite.
  private var shownDetailCount = 0
  private let isShown = isatty(STDERR_FILENO) == 1
  private var done = 0
  private var lastShown: ContinuousClock.Instant?
  /// Whether the cursor stands after a line that has no end yet.
  private var isOpen = false
  /// Whether the line of the whole has been shown, which then is not shown again.
  private var isComplete = false

  init(_ label: String, total: Int, unit: Unit = .items) {
    self.label = label
    self.total = total
    self.unit = unit
  }

  mutating func advance() { advance(to: done + 1, of: total) }

  mutating func advance(to done: Int, of total: Int) {
    (self.done, self.total) = (done, total)
    let now = ContinuousClock.now
    let isDue = lastShown.map { now - $0 >= Self.interval } ?? true
    guard isShown, isDue || done == total, !(isComplete && done == total) else { return }
    lastShown = now
    isOpen = done != total
    isComplete = !isOpen
    let rest = String(repeating: " ", count: max(0, shownDetailCount - detail.count))
    shownDetailCount = detail.count
    let more = detail.isEmpty && rest.isEmpty ? "" : " " + detail + rest
    StandardError.writeAll("\r\(label) \(text)\(more)" + (isOpen ? "" : "\n"))
  }

  /// Ends the line, so that a message may follow.
  mutating func interrupt() {
    if isOpen { StandardError.writeAll("\n") }
    isOpen = false
    lastShown = nil
  }

  private var text: String {
    let suffix = unit == .bytes ? " MB" : ""
    guard total > 0 else { return amount(done) + suffix }
    // Computed in floating point: a hostile server's total would overflow the product.
    let filled = Int(Double(Self.width) * min(Double(done) / Double(total), 1))
    let bar =
      String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    return "[\(bar)] \(amount(done))/\(amount(total))\(suffix)"
  }

  /// Writes bytes as megabytes with one decimal place.
  private func amount(_ count: Int) -> String {
    unit == .items ? "\(count)" : "\(count / 1_000_000).\(count / 100_000 % 10)"
  }
}
