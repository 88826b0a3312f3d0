import Glibc
import JSON

/// Progress of training for whoever waits: a bar on a terminal, else a line of JSON at times, both
/// on standard error.
struct TrainingProgress: Sendable {
  /// Time between two lines of JSON, 5 s.
  private static let interval = Duration.seconds(5)
  private static let isTerminal = isatty(STDERR_FILENO) == 1

  private let step: String
  private var bar: ProgressBar
  private var lastTold = ContinuousClock.now
  private var done = 0
  private var total = 0
  private var detail = ""

  /// - Parameter step: What is being done, a word.
  init(_ step: String) {
    self.step = step
    bar = ProgressBar(step, total: 0)
  }

  /// - Parameter detail: What else is worth knowing, in words.
  mutating func advance(to done: Int, of total: Int, detail: String = "") {
    (self.done, self.total, self.detail) = (done, total, detail)
    if Self.isTerminal {
      bar.detail = detail
      bar.advance(to: done, of: total)
    } else if ContinuousClock.now - lastTold >= Self.interval {
      write()
    }
  }

  /// Says a sentence about something on the way.
  mutating func tell(_ sentence: String) {
    bar.interrupt()
    Self.tell(sentence)
  }

  mutating func end() {
    bar.interrupt()
    if !Self.isTerminal, done > 0 { write() }
  }

  static func tell(_ sentence: String) { tell(sentence, as: "note", [:]) }

  /// Says a sentence; where programs read, with its numbers.
  static func tell(_ sentence: String, as event: String, _ members: JSONObject) {
    guard !isTerminal else { return StandardError.write("resnetd train: \(sentence)") }
    var line: JSONObject = ["event": .string(event), "text": .string(PlainText.cut(sentence))]
    line += members
    StandardError.writeAll(JSONValue.object(line).text + "\n")
  }

  private mutating func write() {
    lastTold = .now
    var line: JSONObject = ["event": .string(step), "done": .integer(done)]
    // 0 stands for a number that is not known before the end.
    if total > 0 { line.append("total", .integer(total)) }
    if !detail.isEmpty { line.append("detail", .string(detail)) }
    StandardError.writeAll(JSONValue.object(line).text + "\n")
  }
}
