import Checkpoint
import Telemetry
import Time

/// Details of a change in an audit line, besides who asked for it.
struct AuditNote: Sendable {
  /// Digest of the model concerned, once known.
  var digest = "-"
  var outcome = "done"

  /// Describes a change that was refused.
  static func outcome(_ problem: Problem) -> String { "\(problem.kind): \(problem.detail)" }

  /// Describes a canary that has begun, or that goes on with another share of the requests.
  static func outcome(_ percent: CanaryPercent, goesOn: Bool) -> String {
    "\(percent) percent" + (goesOn ? ", it goes on" : "")
  }

  /// Writes the line, in the same form for all who change what is live; nothing if the request has
  /// left one already.
  func write(
    _ action: String, by actor: Administrator, after duration: Duration, to log: Log
  ) {
    guard actor.trail?.claim() ?? true else { return }
    log.write(
      "audit",
      [
        "action": .text(action), "by": .text(actor.credential), "remote": .text(actor.address),
        "id": .text(actor.requestID), "digest": .text(digest), "outcome": .text(outcome),
        "ms": .integer(duration.microseconds / 1000),
      ])
  }
}

extension Log {
  /// Writes one line for each change that was asked for, whatever its result.
  func audit<Result>(
    _ what: String, by actor: Administrator, _ change: (inout AuditNote) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    let start = ContinuousClock.now
    var note = AuditNote()
    defer { note.write(what, by: actor, after: .now - start, to: self) }
    do throws(Problem) {
      return try change(&note)
    } catch {
      note.outcome = AuditNote.outcome(error)
      throw error
    }
  }

  /// Writes the same line for a change of what is live.
  func audited(
    _ what: String, by actor: Administrator, _ change: (inout String) throws(Problem) -> SwapReport
  ) throws(Problem) -> SwapReport {
    try audit(what, by: actor) { note throws(Problem) in
      let report = try change(&note.digest)
      note.digest = report.version.hex
      note.outcome =
        if let percent = report.canaryPercent {
          AuditNote.outcome(percent, goesOn: report.goesOn)
        } else {
          report.isDryRun ? "fit" : report.recordFault == nil ? "live" : "live, not recorded"
        }
      return report
    }
  }
}
