/// Why a candidate did not become live; what was live still is.
package struct SwapFailure: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Kind: String, Sendable, CaseIterable {
    /// Another swap is in progress.
    case busy
    /// The candidate is not fit.
    case refused
    case insufficientMemory = "insufficient_memory"
    /// It would compute for too long before it is live: here and now, for the machine may be busy.
    case insufficientTime = "insufficient_time"
    /// An administrator ended it, or whoever asked for it has gone.
    case cancelled
    /// Nothing that a better file would change.
    case `internal`
  }

  package var step: SwapStep
  package var reason: String
  package var kind: Kind

  package init(step: SwapStep, reason: String, kind: Kind) {
    self.step = step
    self.reason = reason
    self.kind = kind
  }

  package var description: String { "\(step.rawValue): \(reason)" }
}
