import Checkpoint

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
