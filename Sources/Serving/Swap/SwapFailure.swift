import Checkpoint
import Machine
import ModelStore

/// Reason why a candidate did not become live; the live model stays.
package struct SwapFailure: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Kind: String, Sendable, CaseIterable {
    /// Another swap is in progress.
    case busy
    /// The candidate is not fit.
    case refused
    case insufficientMemory = "insufficient_memory"
    /// It would compute for too long before it is live, on this machine now, which may be busy.
    case insufficientTime = "insufficient_time"
    /// An administrator ended it, or the client has disconnected.
    case cancelled
    /// The state folder does not take what must be kept, or has other bytes than were kept.
    case stateFolder = "state_folder"
    /// A failure that no better file would avoid.
    case `internal`
  }

  /// Memory that it finds missing.
  package struct Shortage: Sendable, Hashable {
    /// Bytes that the candidate takes, by an estimate.
    package let neededByteCount: Int
    package let leftByteCount: Int
  }

  package var step: SwapStep
  package var reason: String
  package var kind: Kind
  /// The answer to whoever asked, if the kind alone does not tell it: a store's failure, or what is
  /// live by then.
  package var cause: Problem?
  /// The numbers of a lack of memory that was foreseen.
  package private(set) var shortage: Shortage?

  package init(step: SwapStep, reason: String, kind: Kind, cause: Problem? = nil) {
    self.step = step
    self.reason = reason
    self.kind = kind
    self.cause = cause
  }

  /// Describes a candidate that does not fit into the memory that is left.
  ///
  /// - Parameters:
  ///   - what: What does not fit.
  ///   - spareByteCount: Bytes that its proof takes besides, for the advice.
  init(_ shortage: Shortage, _ what: String, beside spareByteCount: Int, of budget: MemoryBudget) {
    let (needed, left) = (shortage.neededByteCount, shortage.leftByteCount)
    let missing = needed + spareByteCount - left
    // Less is left than the budget would give: then the system has no more.
    let isOfSystem = left < budget.freeByteCount
    let place =
      isOfSystem
      ? "available on this machine or in its control group"
      : "left of the memory budget of \(budget.byteCount)"
    let remedy =
      isOfSystem
      ? "free \(Self.mebibytes(missing)) MiB more for the server"
      : "allow the server \(Self.mebibytes(MemoryPlan.limit(forBudget: missing))) MiB more, by "
        + "--memory-limit or its control group"
    self.init(
      step: .memory,
      reason:
        "\(what) takes about \(needed) bytes, \(left) are \(place); \(remedy), or start it with fewer "
        + "--workers or a smaller --max-batch",
      kind: .insufficientMemory)
    self.shortage = shortage
  }

  private static func mebibytes(_ byteCount: Int) -> Int { (byteCount + (1 << 20) - 1) >> 20 }

  /// The same failure with what to do about a lack of memory that nobody foresaw.
  var withRemedy: SwapFailure {
    guard kind == .insufficientMemory, step != .memory else { return self }
    var advised = self
    advised.reason +=
      "; allow the server more memory, by --memory-limit or its control group, or start it with fewer "
      + "--workers or a smaller --max-batch"
    return advised
  }

  package var description: String { "\(step.rawValue): \(reason)" }
}

extension SwapFailure {
  /// Describes a file that is not a model, or not one that can serve as it is.
  init(_ error: CheckpointError) {
    var (reason, kind, step) = (error.description, Kind.refused, SwapStep.validate)
    switch error {
    case .outOfMemory: (kind, step) = (.insufficientMemory, .memory)
    case .cancelled: kind = .cancelled
    // Clients see no path of the server's.
    case .file(_, let doing, let cause): reason = "the server cannot \(doing) the file: \(cause)"
    case .labelsMissing(let classCount, let found):
      // The reader does not sit at the program's command line.
      reason =
        "the file contains no labels\(found.map { " that fit (\($0))" } ?? ""); write \(classCount) labels into it (resnetd convert --labels), or upload it "
        + "with inherit=true if the live model has as many"
    case .labelsOfAnother(let count, let classCount):
      reason =
        "the file contains no labels, and the \(count) labels of the live model do not fit its \(classCount) classes; "
        + "write \(classCount) labels into it (resnetd convert --labels)"
    case .unclearOutputs(let what, let onlyScores):
      reason =
        "the graph ends in \(what), so its outputs may be no logits, and the file does not say what they mean; write it into "
        + "the file (resnetd convert --activation \(onlyScores ? "none" : "none, softmax or sigmoid"))"
    case .singleOutput:
      reason =
        "the network has one output, whose softmax is always 1, and the file does not say what it means; write it into the file (resnetd convert "
        + "--activation sigmoid or none)"
    default: break
    }
    self.init(step: step, reason: reason, kind: kind)
  }
}

extension SwapFailure {
  /// Describes what the store does not do with a candidate.
  ///
  /// - Parameter cause: The answer to whoever asked, in which the error has no paths.
  init(_ error: StoreError, at step: SwapStep, cause: Problem) {
    self.init(step: step, reason: error.description, kind: Kind(error), cause: cause)
  }
}

extension SwapFailure.Kind {
  fileprivate init(_ error: StoreError) {
    switch error {
    case .full, .noRoom, .noVersionFree, .file, .folderFault, .damaged, .damagedExamples:
      self = .stateFolder
    case .uploadTooLarge, .textTooLong: self = .refused
    case .tooManyUploads: self = .busy
    case .cancelled: self = .cancelled
    case .folderInUse, .wrongLength, .emptyUpload, .uploadEnded, .notStaged, .malformedVersion,
      .unknownVersion, .ambiguousVersion, .versionInUse, .malformedRecord:
      self = .internal
    }
  }
}
