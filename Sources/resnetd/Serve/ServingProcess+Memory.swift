import Glibc
import Inference
import Machine
import Serving
import Telemetry

/// The share of the machine's memory that a server takes, and its end if a worker is lost.
extension ServingProcess {
  static func memoryPlan(_ settings: ServeSettings) -> MemoryPlan {
    MemoryPlan(
      limit: settings.memoryLimit, workers: settings.plan.workers ?? CPUAllowance.current.cores,
      buffers: settings.bufferByteCount)
  }

  /// Returns the budget, with the program's own part taken.
  static func budget(
    _ plan: MemoryPlan
  ) throws(Failure) -> (budget: MemoryBudget, program: Reservation) {
    guard let parts = plan.budget() else {
      throw Failure(
        "the memory limit is \(plan.limit) bytes, and the program alone takes "
          + "\(plan.programByteCount) of \(plan.budgetByteCount) that are left after a reserve; allow it "
          + "what its model and images take besides (256 MiB for the embedded models), or give it fewer "
          + "--workers or a smaller --buffer-limit")
    }
    return parts
  }

  static func write(_ plan: MemoryPlan, _ memory: MemoryBudget, _ log: Log) {
    if !MemoryAllowance.isKnown {
      log.write(
        "/proc cannot be read, so that a control group's limit may be missed; set --memory-limit",
        as: .warning)
    }
    // Requests may already hold some of what is left.
    let (models, left) = (memory.usedByteCount(for: .models), memory.largestByteCount)
    let decoders = plan.budgetByteCount - plan.programByteCount - models - left
    log.write(
      "memory",
      [
        "limit": .integer(plan.limit), "reserve": .integer(plan.safetyByteCount),
        "program": .integer(plan.programByteCount),
        "models": .integer(models), "decoders": .integer(decoders), "left": .integer(left),
      ])
  }

  /// Ends the process: its supervisor starts another one.
  static func endLost(_ finding: StallWatch.Finding, _ log: Log) {
    switch finding {
    case .allMove, .stalled: return
    case .lost(let worker, let duration):
      log.write(
        "ended: a worker did not finish a step", as: .error,
        ["worker": .integer(worker), "seconds": .integer(Int(duration / .seconds(1)))])
    case .withoutDecoders(let fault):
      log.write("ended: no image can be decoded any more", as: .error, ["reason": .text(fault)])
    }
    log.flush()
    _exit(ExitCode.stalled.rawValue)
  }
}
