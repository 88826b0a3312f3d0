import HTTPCore
import Synchronization
import Telemetry

/// The one line of the audit that a request for a change leaves, whatever becomes of it.
///
/// The change itself writes it if it comes to that. A request that is refused before leaves its
/// problem, and one that nobody answers leaves that it did not arrive as a whole, when the last
/// reference goes.
final class AuditTrail: Sendable {
  private let action: String
  private let actor: Administrator
  private let log: Log
  private let start = ContinuousClock.now
  private let isWritten = Atomic(false)

  init(_ action: String, by actor: Administrator, _ log: Log) {
    (self.action, self.actor, self.log) = (action, actor, log)
  }

  deinit {
    write("not taken: the request did not arrive as a whole, in time")
  }

  /// Writes the line of a request that is refused, unless there is one.
  func refuse(_ problem: Problem) { write(AuditNote.outcome(problem)) }

  /// Returns true for the first caller, who writes the line.
  func claim() -> Bool {
    isWritten.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
  }

  private func write(_ outcome: String) {
    guard claim() else { return }
    AuditNote(outcome: outcome).write(action, by: actor, after: .now - start, to: log)
  }
}

extension AdminRoute {
  /// Returns the audit's name for what a request asks for; nil if it changes nothing.
  func action(_ head: RequestHead) -> String? {
    let isDryRun = head.target.query.contains { $0.name == "dry_run" && $0.value == "true" }
    let beginsCanary = head.target.query.contains { $0.name == "canary" }
    return switch (self, head.method) {
    case (.model, "PUT"): isDryRun ? "dry run" : beginsCanary ? "canary" : "upload"
    case (.activate, "POST"): "activate"
    case (.version, "DELETE"): "delete version"
    case (.rollback, "POST"): "rollback"
    case (.canary, "PUT"): "canary"
    case (.canary, "DELETE"): "end canary"
    case (.swap, "DELETE"): "end swap"
    case (.examples, "POST"): "examples"
    case (.examples, "DELETE"): "delete examples"
    case (.teach, "POST"): isDryRun ? "teach dry run" : "teach"
    default: nil
    }
  }
}
