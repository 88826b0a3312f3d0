import HTTPCore

/// A connection, a clock that only tests move, and the connection's actions in words.
struct ConnectionUnderTest {
  var machine: Connection
  var now: ContinuousClock.Instant
  var decision = HeadDecision.accept(bodyByteLimit: 1000)
  /// All bytes written so far.
  private(set) var output = ""
  private var lastAnswer = ""
  private(set) var failures: [Response] = []
  /// Durations in which the bodies of all requests so far were read.
  private(set) var readDurations: [Duration] = []

  init(_ limits: ConnectionLimits = ConnectionLimits()) {
    now = .now
    machine = Connection(limits: limits, now: now)
  }

  /// All requests handed out so far.
  private(set) var requests: [Request] = []
  private let known = KnownFields()

  private final class KnownFields {
    var ofFailures: [HeaderFields?] = []
  }

  /// Fields that were known of the requests that failed.
  var knownFields: [HeaderFields?] { known.ofFailures }

  private var context: ConnectionContext {
    ConnectionContext(
      now: now, date: { "D" }, route: { [decision] _ in decision },
      answer: { [known] failure, fields in
        known.ofFailures.append(fields)
        return failure.response
      })
  }

  mutating func receive(_ text: String) -> [String] {
    note(machine.receive(Array(text.utf8), context: context))
  }

  mutating func receiveEnd() -> [String] { note(machine.receiveEnd()) }

  mutating func respond(_ text: String = "ok", closing: Bool = false) -> [String] {
    var response = Response(status: 200, contentType: "text/plain", text: text)
    response.closesConnection = closing
    return note(machine.respond(response, context: context))
  }

  /// Has a turn after others have had theirs.
  mutating func proceed() -> [String] { note(machine.proceed(context: context)) }

  /// Releases the requests handed out so far.
  mutating func forgetRequests() { requests = [] }

  mutating func wrote(all: Bool = true) -> [String] {
    note(machine.wrote(all: all, context: context))
  }

  /// Receives a request, answers it and writes the answer; the actions that follow.
  mutating func exchange(_ text: String = get()) -> [String] {
    _ = receive(text)
    _ = respond()
    return wrote()
  }

  /// Lets time pass and looks at the deadlines.
  mutating func wait(_ duration: Duration) -> [String] {
    now += duration
    return note(machine.tick(context: context))
  }

  mutating func drain() -> [String] {
    machine.drain(at: now)
    return note(machine.drainIdle(at: now))
  }

  /// Whether the last answer said that the connection ends.
  var saysClose: Bool { lastAnswer.contains("Connection: close\r\n") }

  private mutating func note(_ actions: [Connection.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .write(let bytes):
        lastAnswer = String(decoding: bytes, as: UTF8.self)
        output += lastAnswer
        return "write"
      case .handle(let request, _, let readDuration):
        readDurations.append(readDuration)
        requests.append(request)
        return "handle \(request.head.target.path) \(String(decoding: request.body, as: UTF8.self))"
      case .part(let bytes, _): return "part \(String(decoding: bytes, as: UTF8.self))"
      case .answer(let head, let response, _):
        return "refuse \(head.target.path) \(response.status)"
      case .failed(_, let response, _):
        failures.append(response)
        return "failed \(response.status)"
      case .yield: return "yield"
      case .pauseReading: return "pause"
      case .resumeReading: return "resume"
      case .shutdownWriting: return "shutdown"
      case .close: return "close"
      }
    }
  }
}

/// A request without a body.
func get(_ path: String = "/", _ lines: String = "", version: String = "1.1") -> String {
  "GET \(path) HTTP/\(version)\r\nHost: a\r\n\(lines)\r\n"
}
