import Telemetry

/// Result of a swap, and the step at which it ended.
struct SwapOutcome: MetricLabels {
  enum Result: String, CaseIterable {
    case done
    case dryRun = "dry_run"
    case canary
    case busy
    case refused
    case insufficientMemory = "insufficient_memory"
    case insufficientTime = "insufficient_time"
    case cancelled
    case stateFolder = "state_folder"
    case `internal`

    init(_ kind: SwapFailure.Kind) {
      self =
        switch kind {
        case .busy: .busy
        case .refused: .refused
        case .insufficientMemory: .insufficientMemory
        case .insufficientTime: .insufficientTime
        case .cancelled: .cancelled
        case .stateFolder: .stateFolder
        case .internal: .internal
        }
    }
  }

  let result: Result
  let step: SwapStep

  static let all = Result.allCases.flatMap { result in
    SwapStep.allCases.map { SwapOutcome(result: result, step: $0) }
  }

  var index: Int {
    (Result.allCases.firstIndex(of: result) ?? 0) * SwapStep.allCases.count + step.index
  }

  var pairs: MetricLabelPairs { [("outcome", result.rawValue), ("step", step.rawValue)] }
}
