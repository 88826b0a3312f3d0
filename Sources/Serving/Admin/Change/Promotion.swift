/// Result for a model that a remote store names.
package enum Promotion: Sendable, Hashable {
  case live
  /// Another swap is in progress.
  case busy
  /// It is not fit, and the same bytes never will be.
  case refused(String)
  /// It lacks memory now; there may be room at another time.
  case insufficientMemory(String)
  /// It lacks time now; the machine may be less busy at another time.
  case insufficientTime(String)
  /// An administrator ended it, which holds until the store names another.
  case overruled(String)
  /// The kept file is damaged on the disk.
  case damaged
  case failed(String)

  package init(_ failure: SwapFailure) {
    self =
      switch failure.kind {
      case .busy: .busy
      case .refused: .refused(failure.description)
      case .insufficientMemory: .insufficientMemory(failure.description)
      case .insufficientTime: .insufficientTime(failure.description)
      case .cancelled: .overruled(failure.description)
      case .stateFolder, .internal: .failed(failure.description)
      }
  }

  init(_ problem: Problem) {
    self =
      switch problem.kind {
      case .swapInProgress: .busy
      case .modelRefused: .refused(problem.detail)
      case .insufficientMemory: .insufficientMemory(problem.detail)
      case .modelTooSlow: .insufficientTime(problem.detail)
      case .swapCancelled: .overruled(problem.detail)
      case .starting: .busy
      case .versionDamaged: .damaged
      // Its detail is for clients, and the log already has the reason.
      case .internalError: .failed("the swap failed inside this server")
      default: .failed(problem.detail)
      }
  }
}
