import Checkpoint

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
  /// The answer to whoever asked, where the kind alone does not tell it: a store's failure, or what is live by then.
  package var cause: Problem?

  package init(step: SwapStep, reason: String, kind: Kind, cause: Problem? = nil) {
    self.step = step
    self.reason = reason
    self.kind = kind
    self.cause = cause
  }

  package var description: String { "\(step.rawValue): \(reason)" }
}

extension SwapFailure {
  /// Of a file that is no model, or none that can serve as it is.
  init(_ error: CheckpointError) {
    var (reason, kind) = (error.description, Kind.refused)
    switch error {
    case .outOfMemory: kind = .insufficientMemory
    case .cancelled: kind = .cancelled
    case .labelsMissing(let classCount):
      // Whoever reads this does not sit at the program's command line.
      reason =
        "the file names no classes; write \(classCount) labels into it (resnetd convert --labels), or upload it "
        + "with inherit=true where the live model has as many"
    case .labelsOfAnother(let count, let classCount):
      reason =
        "the file names no classes, and the \(count) labels of the live model do not fit its \(classCount) classes; "
        + "write \(classCount) labels into it (resnetd convert --labels)"
    default: break
    }
    self.init(step: .validate, reason: reason, kind: kind)
  }
}
