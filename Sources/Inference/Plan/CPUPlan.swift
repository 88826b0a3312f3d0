package import ResNet
import Time

/// Use of the cores: the only owner of parallelism.
package struct CPUPlan: Sendable, Hashable {
  /// Limit on the images of a batch, whatever is asked for.
  package static let batchLimit = 64
  package static let workerLimit = 256

  /// Threads that decode and classify in parallel, each computing alone.
  package var workers: Int
  /// Threads of the team that runs a lone image; 1 if it runs on its worker alone.
  package var threads: Int
  /// Batch sizes that the network is compiled for, ascending from 1.
  package var batchSizes: [Int]
  /// Time after its arrival for which a request may wait for others to share its batch.
  package var maxQueueDelay: Duration

  /// Makes a plan with batches of 1, 2, 4 and so on, up to `maxBatch`.
  package init(workers: Int, threads: Int, maxBatch: Int, maxQueueDelay: Duration = .zero) {
    precondition(1...Self.workerLimit ~= workers && 1...Self.workerLimit ~= threads, "in limits")
    precondition(1...Self.batchLimit ~= maxBatch, "a batch is in its limits")
    self.workers = workers
    self.threads = threads
    batchSizes = Self.batchSizes(upTo: maxBatch)
    self.maxQueueDelay = maxQueueDelay
  }

  package var maxBatch: Int { batchSizes.last ?? 1 }

  /// Returns the powers of two below the largest size, and that size.
  package static func batchSizes(upTo maxBatch: Int) -> [Int] {
    var sizes = Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < maxBatch })
    sizes.append(maxBatch)
    return sizes
  }
}

extension CPUPlan: CustomStringConvertible {
  /// Description such as `2 workers of 1 thread, batches up to 4, a lone image on 2 threads`.
  package var description: String {
    var parts = ["\(workers) worker\(workers == 1 ? "" : "s") of 1 thread"]
    parts.append(maxBatch == 1 ? "one image at a time" : "batches up to \(maxBatch)")
    if maxQueueDelay > .zero {
      parts.append("waiting \(Double(maxQueueDelay.microseconds) / 1000) ms for them")
    }
    if threads > 1 { parts.append("a lone image on \(threads) threads") }
    return parts.joined(separator: ", ")
  }
}

extension CPUPlan {
  /// Returns the plan of a command that answers many images, none of which is waited for: batches
  /// as large as pay, so that the weights of late layers are read once for several images.
  ///
  /// - Parameter isAlone: Whether there is one image only.
  package static func manyImages(workers: Int, for graph: Graph, isAlone: Bool) -> CPUPlan {
    let largest = max(1, largestFeatureByteCount(graph))
    let fitting = batchSizes(upTo: ruleBatch).last { $0 * largest <= manyImagesByteLimit }
    return CPUPlan(workers: workers, threads: 1, maxBatch: isAlone ? 1 : fitting ?? 1)
  }

  /// Limit on the largest feature map of a batch where only the rate counts.
  private static let manyImagesByteLimit = 32 << 20

  /// Values that are set by hand; the rest follows from the cores and the network.
  package struct Settings: Sendable, Hashable {
    package var workers: Int?
    package var threads: Int?
    package var maxBatch: Int?
    package var maxQueueDelay = Duration.zero

    package init() {}

    /// Returns the plan if nothing has been measured.
    ///
    /// A large network fills the cache with one image and benefits from a team; a small one is then
    /// mostly overhead and is given batches.
    package func plan(cores: Int, for graph: Graph) -> CPUPlan {
      let isSmall =
        CPUPlan.largestFeatureByteCount(graph) * CPUPlan.ruleBatch <= CPUPlan.ruleByteLimit
      return plan(
        cores: cores, threads: isSmall ? 1 : cores, maxBatch: isSmall ? CPUPlan.ruleBatch : 1)
    }

    /// Returns the plan with measured values, except those set by hand.
    package func plan(cores: Int, threads: Int, maxBatch: Int) -> CPUPlan {
      let limit = CPUPlan.workerLimit
      return CPUPlan(
        workers: workers ?? min(cores, limit), threads: self.threads ?? min(threads, limit),
        maxBatch: self.maxBatch ?? maxBatch, maxQueueDelay: maxQueueDelay)
    }
  }

  /// Largest batch of small networks, and the limit on their largest feature map at that batch.
  private static let ruleBatch = 8
  private static let ruleByteLimit = 8 << 20

  private static func largestFeatureByteCount(_ graph: Graph) -> Int {
    let shapes = (try? graph.shapes()) ?? []
    return (shapes.map(\.elementCount).max() ?? 0) * MemoryLayout<Float>.stride
  }
}
