import Engine
import Numbers
import ResNet
import Testing
import Training

/// What must not change a bit: threads, and an interruption.
@Suite struct SameBitsTests {
  static let batches = 4

  @Test(
    "Weights after several steps have the same bits with 1, 2 and 4 threads",
    arguments: ["option B", "bottleneck v1.5", "ImageNet stem", "odd maps"])
  func threads(name: String) throws {
    let one = try trained(name, workerCount: 1)
    for count in [2, 4] {
      let other = try trained(name, workerCount: count)
      for name in one.names { #expect(one[name]?.values == other[name]?.values, "\(name)") }
    }
  }

  @Test(
    "Results that are computed again instead of kept have the same bits, and take less memory",
    arguments: ["option B", "bottleneck v1.5", "option A"])
  func recomputation(name: String) throws {
    let graph = try SmallNetworks.graph(name)
    let kept = try Run(graph, .random(for: graph), workerCount: 2)
    let again = try Run(graph, .random(for: graph), workerCount: 2, recomputes: true)
    for batch in 0..<Self.batches {
      try kept.step(batch)
      try again.step(batch)
    }
    let (a, b) = (try kept.network.weights, try again.network.weights)
    for name in a.names { #expect(a[name]?.values == b[name]?.values, "\(name)") }
    #expect(again.network.byteCount < kept.network.byteCount)
  }

  @Test(
    "In bf16 too", .enabled(if: Precision.bf16.isNative, BFloat16Tests.missing),
    arguments: ["option B", "sixteen channels", "ImageNet stem", "odd maps"])
  func bfloat16(name: String) throws {
    let one = try trained(name, workerCount: 1, precision: .bf16)
    for count in [2, 4] {
      let other = try trained(name, workerCount: count, precision: .bf16)
      for name in one.names { #expect(one[name]?.values == other[name]?.values, "\(name)") }
    }
    let again = try trained(name, workerCount: 2, precision: .bf16, recomputes: true)
    for name in one.names { #expect(one[name]?.values == again[name]?.values, "\(name)") }
    try goesOn(in: .bf16)
  }

  @Test("Training that goes on from a snapshot gives the same bits")
  func interruption() throws { try goesOn(in: .fp32) }

  private func goesOn(in precision: Precision) throws {
    let graph = try SmallNetworks.graph("option A")
    let whole = try Run(graph, .random(for: graph), workerCount: 2, precision: precision)
    for batch in 0..<Self.batches { try whole.step(batch) }
    let first = try Run(graph, .random(for: graph), workerCount: 2, precision: precision)
    for batch in 0..<2 { try first.step(batch) }
    let second = try Run(graph, first.network.weights, workerCount: 1, precision: precision)
    try second.optimizer.restore(first.optimizer.snapshot)
    for batch in 2..<Self.batches { try second.step(batch) }
    let (a, b) = (try whole.network.weights, try second.network.weights)
    for name in a.names { #expect(a[name]?.values == b[name]?.values, "\(name)") }
    let averages = (try whole.optimizer.averagedWeights, try second.optimizer.averagedWeights)
    for name in a.names {
      #expect(averages.0?[name]?.values == averages.1?[name]?.values, "\(name)")
    }
    #expect(whole.optimizer.stepCount == second.optimizer.stepCount)
  }

  private func trained(
    _ name: String, workerCount: Int, precision: Precision = .fp32, recomputes: Bool = false
  ) throws -> Weights {
    let graph = try SmallNetworks.graph(name)
    let run = try Run(
      graph, .random(for: graph), workerCount: workerCount, precision: precision,
      recomputes: recomputes)
    for batch in 0..<Self.batches { try run.step(batch) }
    return try run.network.weights
  }

  private struct Run {
    let network: TrainingNetwork
    let optimizer: Optimizer

    init(
      _ graph: Graph, _ weights: Weights, workerCount: Int, precision: Precision = .fp32,
      recomputes: Bool = false
    ) throws {
      var options = TrainingOptions(batchLimit: 11)
      options.shardImageCount = 2
      options.workerCount = workerCount
      options.precision = precision
      options.recomputes = recomputes
      network = try TrainingNetwork(graph, weights, options: options)
      var settings = OptimizerSettings(.adamW, weightDecay: 0.01)
      settings.averageDecay = 0.9
      settings.gradientNormLimit = 1
      optimizer = try Optimizer(network, settings)
    }

    /// Makes a step of 11 or 6 images, so that shards are incomplete and some are missing.
    func step(_ batch: Int) throws {
      let count = batch.isMultiple(of: 2) ? 11 : 6
      let images = ReproducibleNumbers("images \(batch)").values(
        count: count * network.inputShape.elementCount, from: -1, to: 1)
      _ = try network.step(
        images: images.span, targets: .classes((0..<count).map { $0 % 5 }),
        loss: Loss(.softmax(smoothing: 0.1)))
      try optimizer.apply(rate: 0.01)
    }
  }
}
