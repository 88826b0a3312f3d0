import Checkpoint
import Decoding
import Engine
import Inference
import Machine

/// The threads of a command that classifies many images, and what they share.
struct ParallelJobs {
  let count: Int
  private let imageCount: Int?

  /// - Parameters:
  ///   - wanted: Threads as the user wants them; nil for one per core that may be used.
  ///   - imageCount: Number of images if it is known; more threads would have nothing to do.
  init(_ wanted: Int?, imageCount: Int?) {
    let cores = min(CPUAllowance.current.cores, CPUPlan.workerLimit)
    count = max(1, min(wanted ?? cores, imageCount ?? .max))
    self.imageCount = imageCount
  }

  /// Compiles a model for these threads: each computes alone, in batches. Their size does not depend
  /// on the threads, and so neither does any result.
  func compiled(_ model: Model, _ precision: Precision) throws(Failure) -> CompiledModel {
    let plan = CPUPlan.manyImages(workers: count, for: model.graph, isAlone: imageCount == 1)
    do throws(EngineError) {
      return try CompiledModel(model, precision: precision, plan: plan)
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
  }

  /// Returns how many images a thread takes at once: few images are spread over all threads.
  func batch(of model: CompiledModel) -> Int {
    let share = imageCount.map { ($0 + count - 1) / count } ?? .max
    return max(1, min(model.plan.maxBatch, share))
  }

  /// Returns decoders that wait for each other where the memory is not enough for all.
  func decoders(
    _ settings: DecoderSettings, _ spawner: Spawner?, for models: [CompiledModel]
  ) -> any DecoderSource {
    let plan = MemoryPlan(limit: nil, workers: count, buffers: 0, resident: 0)
    let budget = MemoryBudget(byteCount: plan.budgetByteCount)
    let modelByteCount = models.reduce(0) { $0 + MemoryEstimate.byteCount(of: $1) }
    let lasting = [
      budget.overdraw(plan.programByteCount, isLasting: true, use: .program),
      budget.overdraw(modelByteCount, isLasting: true, use: .models),
    ]
    // Whatever is small enough is better tried than refused.
    let isRoomy = budget.freeByteCount > count * Self.decoderByteCount
    return HeldDecoders(
      source: settings.source(
        spawner, budget: isRoomy ? budget : nil, say: StandardError.write), lasting: lasting)
  }

  /// Bytes of a decoder and an image of some megapixels, 64 MiB.
  private static let decoderByteCount = 64 << 20
}

/// Decoders with the reservations of the memory that is not theirs.
private struct HeldDecoders: DecoderSource {
  let source: any DecoderSource
  let lasting: [Reservation]

  func makeDecoder(overdraws: Bool) -> any ImageDecoder { source.makeDecoder(overdraws: overdraws) }

  var fault: String? { source.fault }
}
