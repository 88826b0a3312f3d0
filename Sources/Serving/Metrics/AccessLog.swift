import HTTPCore
import HTTPServer
package import Telemetry
import Time

/// Listener that a request came to, by its name in the log.
enum Listener: String, Sendable {
  case requests = "public"
  case admin, metrics
}

/// Writes a log line for each request, unless it is off.
package struct AccessLog: Sendable {
  private let log: Log
  private let isOn: Bool

  package init(_ log: Log, isOn: Bool = true) {
    self.log = log
    self.isOn = isOn
  }

  /// - Parameter trace: Id of the trace that was recorded; nil for that of the request, if it has one.
  func write(_ record: ExchangeRecord, on listener: Listener, trace: TraceID? = nil) {
    guard isOn else { return }
    let notes = record.notes
    log.gather(
      "request",
      [
        "listener": .text(listener.rawValue),
        "method": .text(record.head?.method ?? "-"),
        "target": .text(record.head?.target.raw ?? "-"), "status": .integer(record.status),
        "problem": .text(notes.problem?.name ?? "-"),
        "bytes_in": .integer(record.requestByteCount),
        "bytes_out": .integer(record.responseByteCount),
        "ms": .thousandths(record.duration.microseconds),
        "remote": .text(record.remoteAddress), "id": .text(record.requestID ?? "-"),
        "trace_id": .text(trace?.text ?? TraceContext(record.head?.fields)?.traceID ?? "-"),
        "key": .text(notes.keyName ?? "-"), "model": .text(notes.model?.name ?? "-"),
        "version": .text(notes.model?.version ?? "-"),
      ])
  }
}
