import CKernels
import Engine
package import ResNet

/// Changes a network's parameters by their gradients, in one pass over each.
package final class Optimizer {
  package let settings: OptimizerSettings
  /// Updates so far.
  package private(set) var stepCount = 0

  private let network: TrainingNetwork
  /// Moments and running average, laid out like the parameters' values.
  private let moments: [Region]
  private let average: Region?
  private let parts: [Part]

  /// Numbers of one parameter that one job changes; another size changes no result but the last bits
  /// of the gradients' norm.
  private struct Part {
    let range: Range<Int>
    let rateFactor: Double
    let decays: Bool
  }

  private static let partNumbers = 1 << 15

  /// Takes the memory; the running average begins at the network's parameters.
  package init(
    _ network: TrainingNetwork, _ settings: OptimizerSettings
  ) throws(TrainingError) {
    try settings.validate()
    self.network = network
    self.settings = settings
    let store = network.parameters
    func block(_ purpose: String) throws(TrainingError) -> Region {
      do throws(EngineError) {
        return try Region(floatCount: store.floatCount, for: purpose)
      } catch {
        throw .engine(error)
      }
    }
    var moments: [Region] = []
    for name in settings.method.momentNames { moments.append(try block(name)) }
    self.moments = moments
    average = settings.averageDecay == nil ? nil : try block("average of parameters")
    average?.copy(store.values)
    parts = store.parameters.flatMap { parameter in
      let factor = settings.rateFactor(of: parameter.name)
      let decays = settings.decaysAll || parameter.role == .weight
      return stride(from: 0, to: parameter.range.count, by: Self.partNumbers).map { first in
        let start = parameter.range.lowerBound + first
        let end = min(start + Self.partNumbers, parameter.range.upperBound)
        return Part(range: start..<end, rateFactor: factor, decays: decays)
      }
    }
  }

  /// Bytes that an optimiser takes for a network.
  package static func byteCount(
    _ settings: OptimizerSettings, for network: TrainingNetwork
  ) -> Int {
    settings.blockCount * network.parameters.values.byteCount
  }

  /// Changes the parameters by the gradients of the network's last step.
  ///
  /// Returns the norm of all gradients before clipping, if they are clipped.
  @discardableResult
  package func apply(rate: Double) throws(TrainingError) -> Double? {
    guard rate >= 0, rate.isFinite else {
      throw .invalid("the learning rate is \(rate); it must be a finite number, 0 or above")
    }
    stepCount += 1
    do throws(EngineError) {
      let norm = try settings.gradientNormLimit.map { _ throws(EngineError) in
        try gradientNorm()
      }
      let limit = settings.gradientNormLimit ?? .infinity
      // PyTorch's, which keeps a norm of zero from dividing.
      let scale = norm.map { min(1, limit / ($0 + 1e-6)) } ?? 1
      try update(rate: rate, gradientScale: scale)
      return norm
    } catch {
      throw .engine(error)
    }
  }

  private func gradientNorm() throws(EngineError) -> Double {
    let sums = try Region(floatCount: 2 * parts.count, for: "norm of gradients")
    let work = Work(parts: parts, blocks: [network.parameters.gradients, sums])
    let instructions = network.computer.instructions
    try network.run(parts.count) { job, _ throws(EngineError) in
      let range = work.parts[job].range
      let gradients = work.blocks[0].floats(at: range.lowerBound, count: range.count)
      unsafe work.blocks[1].doubles[job] = training_square_sum(
        instructions, Int64(range.count), gradients.numbers)
    }
    return (0..<parts.count).reduce(0) { unsafe $0 + sums.doubles[$1] }.squareRoot()
  }

  private func update(rate: Double, gradientScale: Double) throws(EngineError) {
    let blocks = [network.parameters.values, network.parameters.gradients] + moments
    let work = Work(parts: parts, blocks: blocks + [average].compactMap(\.self))
    let (settings, stepCount, hasAverage) = (settings, stepCount, average != nil)
    let instructions = network.computer.instructions
    try network.run(parts.count) { job, _ throws(EngineError) in
      let part = work.parts[job]
      guard part.rateFactor > 0 else { return }
      let regions = work.blocks.map {
        $0.floats(at: part.range.lowerBound, count: part.range.count)
      }
      var update = unsafe training_update(
        count: Int64(part.range.count), parameters: regions[0].floats,
        gradients: regions[1].numbers, gradient_scale: Float(gradientScale),
        rate: Float(rate * part.rateFactor), decay: part.decays ? Float(settings.weightDecay) : 0,
        average: hasAverage ? regions[regions.count - 1].floats : nil,
        average_decay: Float(settings.averageDecay ?? 0))
      switch settings.method {
      case .momentum(let momentum, let isNesterov):
        unsafe training_update_sgd(
          instructions, &update, regions[2].floats, Float(momentum), isNesterov)
      case .adamW(let firstDecay, let secondDecay, let epsilon):
        var adam = training_adam(
          first_decay: Float(firstDecay), second_decay: Float(secondDecay),
          epsilon: Float(epsilon), first_correction: 1 - power(firstDecay, stepCount),
          second_correction: 1 - power(secondDecay, stepCount))
        unsafe training_update_adam(
          instructions, &update, &adam, regions[2].floats, regions[3].floats)
      }
    }
  }

  /// What jobs share.
  private struct Work: @unchecked Sendable {
    // SAFETY: each job changes a part of its own.
    let parts: [Part]
    let blocks: [Region]
  }

  // MARK: State

  /// Running average of the parameters, with the running statistics of the network; nil if there is
  /// none.
  package var averagedWeights: Weights? {
    get throws(TrainingError) {
      guard let average else { return nil }
      return try network.weights(average)
    }
  }

  /// State as named tensors: with it and the network's weights, training goes on to the same bits.
  package struct Snapshot: Sendable {
    package var stepCount: Int
    /// Moments and average, named `momentum/layer1.0.conv1.weight` or `average/…`.
    package var tensors: Weights

    package init(stepCount: Int, tensors: Weights) {
      self.stepCount = stepCount
      self.tensors = tensors
    }
  }

  private var namedBlocks: [(name: String, block: Region)] {
    Array(zip(settings.method.momentNames, moments)) + (average.map { [("average", $0)] } ?? [])
  }

  package var snapshot: Snapshot {
    get throws(TrainingError) {
      var tensors = Weights()
      for (name, block) in namedBlocks {
        try network.collect(block, prefix: "\(name)/", into: &tensors)
      }
      return Snapshot(stepCount: stepCount, tensors: tensors)
    }
  }

  package func restore(_ snapshot: Snapshot) throws(TrainingError) {
    guard snapshot.stepCount >= 0 else {
      throw .invalid("the optimiser's count of steps is \(snapshot.stepCount), less than 0")
    }
    for (name, block) in namedBlocks {
      try network.distribute(snapshot.tensors, prefix: "\(name)/", to: block)
    }
    stepCount = snapshot.stepCount
  }
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  var result = 1.0
  var (square, rest) = (base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= square }
    square *= square
    rest >>= 1
  }
  return result
}
