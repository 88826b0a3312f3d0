import Engine
import JSON
import ResNet

/// Steps that a compiled network runs, as a table and as JSON.
struct PlanReport {
  private struct Step {
    var name: String
    /// oneDNN's name for what it chose, or `winograd:` and the instructions of our own kernel.
    var implementation: String
    /// Whether it is one of oneDNN's plain loops, which are used only for small steps.
    var reference: Bool
    /// Whether a clip before its sum is left out.
    var clipsSumAlone: Bool

    init(_ step: CompiledNetwork.StepDescription) {
      name = step.name
      implementation = step.implementation
      reference = step.isReference
      clipsSumAlone = step.clipsSumAlone
    }

    var row: [String] {
      [
        name,
        implementation + (reference ? " (plain loop)" : "")
          + (clipsSumAlone ? " (clips its sum alone)" : ""),
      ]
    }

    var json: JSONValue {
      [
        "clips_sum_alone": .boolean(clipsSumAlone), "implementation": .string(implementation),
        "name": .string(name), "reference": .boolean(reference),
      ]
    }
  }

  private struct Batch {
    var batch: Int
    var steps: [Step]
  }

  private struct Team {
    var threads: Int
    var steps: [Step]
  }

  private let name: String
  private let precision: String
  /// Name of the instruction level that is used.
  private let instructions: String
  private let threads: Int
  private let weightByteCount: Int
  private let contextByteCount: Int
  private let referenceStepCount: Int
  private let batches: [Batch]
  private let team: Team?

  init(_ name: String, _ precision: Precision, _ network: CompiledNetwork) {
    self.name = name
    self.precision = precision.rawValue
    instructions = InstructionLevel.used.rawValue
    threads = network.threads
    weightByteCount = network.weightByteCount
    contextByteCount = network.contextByteCount
    referenceStepCount = network.referenceStepCount
    batches = network.batchSizes.reversed().map { batch in
      Batch(batch: batch, steps: network.steps(batch: batch).map(Step.init))
    }
    team = network.teamThreads.map { Team(threads: $0, steps: network.teamSteps.map(Step.init)) }
  }

  /// JSON on several lines, members sorted by name.
  var json: String {
    let batches = batches.map { batch -> JSONValue in
      ["batch": .integer(batch.batch), "steps": .array(batch.steps.map(\.json))]
    }
    var report: JSONObject = [
      "batches": .array(batches), "context_bytes": .integer(contextByteCount),
      "instructions": .string(instructions), "name": .string(name),
      "precision": .string(precision), "reference_steps": .integer(referenceStepCount),
    ]
    if let team {
      report.append(
        "team", ["steps": .array(team.steps.map(\.json)), "threads": .integer(team.threads)])
    }
    report.append("threads", .integer(threads))
    report.append("weight_bytes", .integer(weightByteCount))
    return JSONValue.object(report).indentedText
  }

  var text: String {
    var parts = batches.map { batch in
      TextTable(
        rows: [["step, batch of \(batch.batch)", "implementation"]]
          + batch.steps.map(\.row)
      ).text
    }
    if let team {
      parts.append(
        TextTable(
          rows: [["step, lone image on \(team.threads) threads", "implementation"]]
            + team.steps.map(\.row)
        ).text)
    }
    parts.append(
      """
      \(name), \(precision), \(threads) \(threads == 1 ? "thread" : "threads")
      instructions         \(InstructionLevel.description)
      plain loops          \(referenceStepCount) \(referenceStepCount == 1 ? "step" : "steps")
      packed weights       \(Decimal.grouped(weightByteCount)) bytes, shared
      activations, scratch \(Decimal.grouped(contextByteCount)) bytes per worker
      """)
    return parts.joined(separator: "\n\n")
  }
}
