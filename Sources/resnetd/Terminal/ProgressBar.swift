import Glibc
import Words

/// A line that shows the progress of long work; nothing if standard error is not a terminal.
package struct ProgressBar {
  /// Unit that the line shows.
  enum Unit {
    case items
    case bytes
  }

  private static let width = 30
  /// Columns of a terminal that does not say how many it has.
  private static let usualColumnCount = 80
  private static let interval = Duration.milliseconds(100)

  private let label: String
  private let unit: Unit
  /// Total amount; 0 while it is unknown.
  private var total: Int
  /// What else is worth knowing, after the numbers, in parts between commas, the most important ones
  /// last.
  var detail = ""
  /// Characters of the line as it was shown last, which a shorter one must overwrite.
  private var shownCount = 0
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
    let line = Self.line(
      label, amounts, share: total > 0 ? Double(done) / Double(total) : nil, detail,
      columnCount: Self.columnCount)
    let rest = String(repeating: " ", count: max(0, shownCount - line.count))
    shownCount = line.count
    StandardError.writeAll("\r" + line + rest + (isOpen ? "" : "\n"))
  }

  /// Returns the line, which leaves the last column free: many terminals begin a new line there, so
  /// that the next line would not take this one's place.
  ///
  /// Where there is too little room the bar is shortened, then the detail's first parts are left out,
  /// then the bar.
  ///
  /// - Parameter share: What is done of all; nil while that is unknown.
  package static func line(
    _ label: String, _ amounts: String, share: Double?, _ detail: String, columnCount: Int
  ) -> String {
    let room = max(1, columnCount - 1)
    var parts = detail.isEmpty ? [] : detail.parts(between: ", ").map(String.init)
    func line(_ width: Int) -> String {
      var words = [label]
      if let share, width > 0 {
        // Computed in floating point: a hostile server's total would overflow the product.
        let filled = Int(Double(width) * min(share, 1))
        words.append(
          "[" + String(repeating: "#", count: filled)
            + String(repeating: ".", count: width - filled) + "]")
      }
      words.append(amounts)
      if !parts.isEmpty { words.append(parts.joined(separator: ", ")) }
      return words.joined(separator: " ")
    }
    while true {
      for width in [width, width / 2, width / 3] {
        let line = line(width)
        if line.count <= room { return line }
      }
      guard !parts.isEmpty else { break }
      parts.removeFirst()
    }
    return String(line(0).prefix(room))
  }

  /// Columns of the terminal now: somebody may change its width meanwhile.
  private static var columnCount: Int {
    var size = winsize()
    guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return usualColumnCount
    }
    return Int(size.ws_col)
  }

  /// Ends the line, so that a message may follow.
  mutating func interrupt() {
    if isOpen { StandardError.writeAll("\n") }
    (isOpen, shownCount) = (false, 0)
    lastShown = nil
  }

  private var amounts: String {
    let suffix = unit == .bytes ? " MB" : ""
    return (total > 0 ? "\(amount(done))/\(amount(total))" : amount(done)) + suffix
  }

  /// Writes bytes as megabytes with one decimal place.
  private func amount(_ count: Int) -> String {
    unit == .items ? "\(count)" : "\(count / 1_000_000).\(count / 100_000 % 10)"
  }
}
