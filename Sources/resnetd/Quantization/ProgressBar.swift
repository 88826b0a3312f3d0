import Glibc

/// A line on the terminal that says how far long work is; nothing where standard error is no terminal.
struct ProgressBar {
  private static let width = 30
  private static let interval = Duration.milliseconds(100)

  private let label: String
  private let total: Int
  private let isShown = isatty(STDERR_FILENO) == 1
  private var done = 0
  private var lastShown: ContinuousClock.Instant?

  init(_ label: String, total: Int) {
    self.label = label
    self.total = total
  }

  mutating func advance() {
    done += 1
    let now = ContinuousClock.now
    let isDue = lastShown.map { now - $0 >= Self.interval } ?? true
    guard isShown, isDue || done == total else { return }
    lastShown = now
    let filled = Self.width * done / max(total, 1)
    let bar =
      String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    write("\r\(label) [\(bar)] \(done)/\(total)" + (done == total ? "\n" : ""))
  }

  private func write(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
