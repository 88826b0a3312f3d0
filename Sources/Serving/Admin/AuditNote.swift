import Telemetry

/// What an audit line says of a change beside who asked for it.
struct AuditNote: Sendable {
  /// Of the model concerned, once known.
  var digest = "-"
  var outcome = "done"

  /// Writes the line, the same for all who change what is live.
  func write(
    _ action: String, by actor: Administrator, after duration: Duration, to log: Log
  ) {
    log.write(
      "audit",
      [
        "action": .text(action), "by": .text(actor.credential), "remote": .text(actor.address),
        "id": .text(actor.requestID), "digest": .text(digest), "outcome": .text(outcome),
        "ms": .integer(duration.microseconds / 1000),
      ])
  }
}
