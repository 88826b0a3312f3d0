package import Checkpoint
package import Engine
package import Files
import JSON
import Machine

/// Measured plans on disk, so that a restart needs no measurement: one small JSON file for each
/// situation.
///
/// Never fatal: an unreadable plan counts as missing, and one that cannot be written is measured
/// again by the next start.
package struct PlanCache: Sendable {
  private static let byteLimit = 64 << 10

  /// Everything that a measured plan depends on; it is valid for nothing else.
  package struct Situation: Sendable, Hashable, Codable {
    /// Version of the format of the file and the rules of the search.
    private var format = 2
    private var program: String
    private var model: String
    private var precision: String
    private var cpu: String
    /// Instruction sets of the CPU that may be used.
    private var instructions: String
    private var cores: Int
    private var workers: Int
    private var givenThreads: Int?
    private var givenMaxBatch: Int?

    private enum CodingKeys: String, CodingKey {
      case format, program, model, precision, cpu, instructions, cores, workers
      case givenThreads = "given_threads"
      case givenMaxBatch = "given_max_batch"
    }

    /// Describes this situation; `program` is the program's version.
    package init(
      program: String, model: ModelVersion, precision: Precision, cpu: String, cores: Int,
      settings: CPUPlan.Settings
    ) {
      self.program = program
      self.model = model.hex
      self.precision = precision.rawValue
      self.cpu = cpu
      instructions = InstructionLevel.used.rawValue
      self.cores = cores
      workers = settings.workers ?? cores
      givenThreads = settings.threads
      givenMaxBatch = settings.maxBatch
    }
  }

  /// Measured values.
  package struct Entry: Sendable, Hashable, Codable {
    package var threads: Int
    package var maxBatch: Int

    private enum CodingKeys: String, CodingKey {
      case threads
      case maxBatch = "max_batch"
    }

    package init(threads: Int, maxBatch: Int) {
      self.threads = threads
      self.maxBatch = maxBatch
    }
  }

  private struct Document: Codable {
    var situation: Situation
    var entry: Entry
  }

  private let folder: String

  package init(folder: String) { self.folder = folder }

  package func entry(for situation: Situation) -> Entry? {
    guard let text = TextFile.read(path(situation), byteLimit: Self.byteLimit),
      let tree = try? unsafe JSONTree(text.utf8Span.span.bytes),
      let document = try? tree.decode(Document.self), document.situation == situation,
      1...CPUPlan.workerLimit ~= document.entry.threads,
      1...CPUPlan.batchLimit ~= document.entry.maxBatch
    else { return nil }
    return document.entry
  }

  /// Writes a plan; the file is complete or absent.
  package func keep(_ entry: Entry, for situation: Situation) throws(FileError) {
    let document = Document(situation: situation, entry: entry)
    try TextFile.replace(path(situation), with: JSONValue(encoding: document).text + "\n")
  }

  private func path(_ situation: Situation) -> String {
    // FNV-1a, 64 bits: the file itself states in full what it is valid for.
    let hash = JSONValue(encoding: situation).text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return "\(folder)/plan-\(String(hash, radix: 16)).json"
  }
}
