import Checkpoint
import Engine
import Glibc
import HTTPServer
import Inference
import Machine
import ResNet
import Serving
import Telemetry

/// The share of the machine's memory that a server takes, and its end if a worker is lost.
extension ServingProcess {
  static func memoryPlan(_ settings: ServeSettings) -> MemoryPlan {
    MemoryPlan(
      limit: settings.memoryLimit, workers: settings.plan.workers ?? CPUAllowance.current.cores,
      buffers: settings.server.bufferByteLimit)
  }

  /// Returns the budget, with the program's own part taken.
  static func budget(
    _ plan: MemoryPlan
  ) throws(Failure) -> (budget: MemoryBudget, program: Reservation) {
    guard let parts = plan.budget() else {
      throw Failure(
        "the memory limit is \(plan.limit) bytes, and the program takes \(plan.programByteCount) of "
          + "\(plan.budgetByteCount) that are left after a reserve; allow it more, or give it fewer "
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
    log.write(
      "memory",
      [
        "limit": .integer(plan.limit), "reserve": .integer(plan.safetyByteCount),
        "program": .integer(plan.programByteCount),
        "models": .integer(memory.usedByteCount(for: .models)),
        "left": .integer(memory.freeByteCount),
      ])
  }

  /// Reserves the first model's part of the budget, by an estimate.
  func reserve(
    _ model: Model, _ precision: Precision
  ) throws(Failure) -> Reservation {
    let memory = context.memory
    let plan = settings.rules.plan(model, precision: precision, inPlaceOf: nil).plan
    let byteCount: Int
    do throws(GraphError) {
      byteCount = try MemoryEstimate(model.graph, precision: precision, plan: plan, live: nil)
        .byteCount
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
    guard let reservation = memory.reserve(byteCount, isLasting: true, use: .models) else {
      let missing = byteCount - memory.freeByteCount
      throw Failure(
        "\(model.name) takes about \(byteCount) bytes, \(memory.freeByteCount) are left of the memory "
          + "budget of \(memory.byteCount); allow the server \(missing) bytes more, by its control "
          + "group or --memory-limit, or give it fewer --workers or a smaller --max-batch")
    }
    return reservation
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
