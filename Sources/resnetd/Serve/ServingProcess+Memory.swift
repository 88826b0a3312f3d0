import Checkpoint
import Engine
import Glibc
import HTTPServer
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
        "warning: /proc cannot be read, so that a control group's limit may be missed; set --memory-limit"
      )
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

  /// Says what the first model takes, what is left, and how to allow more.
  func failure(
    _ shortage: SwapFailure.Shortage, of model: Model, in precision: Precision
  ) -> Failure {
    let (needed, left) = (shortage.neededByteCount, shortage.leftByteCount)
    let memory = context.memory
    // Less is left than the budget would give: then the system has no more.
    let (place, remedy) =
      left < memory.freeByteCount
      ? (
        "available on this machine or in its control group",
        "free \(needed - left) bytes more for the server"
      )
      : (
        "left of the memory budget of \(memory.byteCount)",
        "allow the server \(sufficient(model, precision)) MiB in all, by its control group or "
          + "--memory-limit"
      )
    return Failure(
      "\(model.name) takes about \(needed) bytes, \(left) are \(place); \(remedy), or give it fewer "
        + "--workers or a smaller --max-batch")
  }

  /// Returns the limit with which the model would serve with all workers of its plan, in MiB.
  private func sufficient(_ model: Model, _ precision: Precision) -> Int {
    let plan = settings.rules.plan(model, precision: precision, inPlaceOf: nil).plan
    let reading = context.memory.usedByteCount(for: .models)
    let sufficient = try? context.sufficientMebibytes(
      model.graph, precision, plan, reading: reading)
    return sufficient ?? 0
  }

  /// Ends the process: its supervisor starts another one.
  static func endLost(_ finding: StallWatch.Finding, _ log: Log) {
    switch finding {
    case .allMove, .stalled: return
    case .lost(let worker, let duration):
      log.write(
        "ended: a worker did not finish a step",
        ["worker": .integer(worker), "seconds": .integer(Int(duration / .seconds(1)))])
    case .withoutDecoders(let fault):
      log.write("ended: no image can be decoded any more", ["reason": .text(fault)])
    }
    log.flush()
    _exit(ExitCode.stalled.rawValue)
  }
}
