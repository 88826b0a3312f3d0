package import Engine

/// Choices that a network is prepared for training by.
package struct TrainingOptions: Sendable {
  /// Images of the largest batch.
  package var batchLimit: Int
  /// Images that one thread computes together. Part of the recipe: another number gives other bits.
  /// Nil for `usualShardImageCount`.
  package var shardImageCount: Int?
  /// Threads, which change no result.
  package var workerCount = 1
  /// Names of batch normalisations that use their running statistics, which then remain as they
  /// are; their scales and shifts are still trained.
  package var frozenNormalizations: Set<String> = []
  /// Share of a batch's statistics in the new running ones.
  package var normalizationMomentum = 0.1
  /// Whether 3x3 convolutions of stride 1 and their gradients are computed by our Winograd kernels
  /// where these are faster, which they are not in bf16 with AMX. Part of the recipe, as
  /// `shardImageCount`.
  package var usesWinograd = true
  /// Whether results of convolutions that only a stored sum reads are computed again in the backward
  /// pass, which takes a third less memory and about a sixth more time. Changes no result.
  package var recomputes = false
  /// Numbers that activations and their gradients are stored in and that convolutions multiply; fp32
  /// or bf16. Part of the recipe. Parameters and their gradients, statistics and all sums are fp32 or
  /// double in both.
  package var precision = Precision.fp32
  /// Bytes that may be taken; nil for any number.
  package var byteLimit: Int?

  package init(batchLimit: Int) { self.batchLimit = batchLimit }

  package static let batchLimits = 1...65_536
  package static let shardLimits = 1...1024
  package static let workerLimits = 1...256

  /// Images of a shard for an input's size: enough work for a primitive, and activations that
  /// remain in a cache between two passes.
  package static func usualShardImageCount(height: Int, width: Int) -> Int {
    switch height * width {
    case ...(64 * 64): 32
    case ...(128 * 128): 16
    default: 8
    }
  }

  /// Returns why networks cannot be trained in a precision here, and what to do; nil if they can.
  package static func refusal(of precision: Precision) -> String? {
    switch precision {
    case .fp32: return nil
    case .bf16:
      if precision.isNative { return nil }
      return "training in bf16 needs a CPU with avx512_bf16 or more, and pays with avx512_amx; "
        + "this process uses \(InstructionLevel.description): train in fp32"
    case .int8: return "nothing is trained in int8: train in fp32, or in bf16 where the CPU has it"
    }
  }

  /// Type of stored activations and of their gradients.
  var number: Number { precision == .bf16 ? .bf16 : .fp32 }

  /// Throws for numbers outside of their limits.
  func validate() throws(TrainingError) {
    for (what, value, limits) in [
      ("largest batch", batchLimit, Self.batchLimits),
      ("images of a shard", shardImageCount ?? 1, Self.shardLimits),
      ("threads", workerCount, Self.workerLimits),
    ] where !limits.contains(value) {
      throw .invalid(
        "\(what): \(value); allowed are \(limits.lowerBound) to \(limits.upperBound)")
    }
    guard 0...1 ~= normalizationMomentum else {
      throw .invalid(
        "momentum of running statistics: \(normalizationMomentum); allowed are 0 to 1")
    }
    if let refusal = Self.refusal(of: precision) { throw .invalid(refusal) }
  }
}
