import Engine
import FoundationEssentials
import ResNet

/// What a compiled network runs, step by step, as a table and as JSON.
struct PlanReport: Encodable {
  private struct Step: Encodable {
    var name: String
    /// oneDNN's name for what it chose, or `winograd:` and the instructions of our own kernel.
    var implementation: String
  }

  private struct Batch: Encodable {
    var batch: Int
    var steps: [Step]
  }

  private let name: String
  private let precision: String
  private let threads: Int
  private let weightByteCount: Int
  private let contextByteCount: Int
  private let batches: [Batch]

  private enum CodingKeys: String, CodingKey {
    case name, precision, threads, batches
    case weightByteCount = "weight_bytes"
    case contextByteCount = "context_bytes"
  }

  init(_ name: String, _ precision: Precision, _ network: CompiledNetwork) {
    self.name = name
    self.precision = precision.rawValue
    threads = network.threads
    weightByteCount = network.weightByteCount
    contextByteCount = network.contextByteCount
    batches = network.batchSizes.reversed().map { batch in
      Batch(
        batch: batch,
        steps: network.steps(batch: batch).map {
          Step(name: $0.name, implementation: $0.implementation)
        })
    }
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    guard let data = try? encoder.encode(self) else {
      preconditionFailure("a plan is encodable")
    }
    return String(decoding: data, as: UTF8.self)
  }

  var text: String {
    var parts = batches.map { batch in
      TextTable(
        rows: [["step, batch of \(batch.batch)", "implementation"]]
          + batch.steps.map { [$0.name, $0.implementation] }
      ).text
    }
    parts.append(
      """
      \(name), \(precision), \(threads) \(threads == 1 ? "thread" : "threads")
      packed weights       \(Decimal.grouped(weightByteCount)) bytes, shared
      activations, scratch \(Decimal.grouped(contextByteCount)) bytes per worker
      """)
    return parts.joined(separator: "\n\n")
  }
}
