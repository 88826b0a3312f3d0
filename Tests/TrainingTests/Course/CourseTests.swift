import Engine
import Numbers
import ResNet
import Testing
import Training

/// Made-up images of two classes, which differ from epoch to epoch.
private struct MadeUpImages: TrainingImages {
  let count: Int
  let size: Int

  func label(of index: Int) -> Int { index % 5 }

  func name(of index: Int) -> String { "image \(index)" }

  func write(_ index: Int, epoch: Int, into numbers: inout MutableSpan<Float>) {
    let source = ReproducibleNumbers("course \(index) \(epoch)")
    for place in 0..<size { numbers[place] = source.fraction(place) * 2 - 1 + Float(index % 5) }
  }
}

/// Trainings step by step.
@Suite struct CourseTests {
  private func course(
    rate: Double = 0.05, threads: Int = 1, cut: String? = nil
  ) throws -> (course: Course, graph: Graph, weights: Weights) {
    let graph = try SmallNetworks.graph("option B")
    let weights = try Weights.initial(for: graph, seed: 3)
    var options = TrainingOptions(batchLimit: 16)
    options.workerCount = threads
    let node = try cut.map { name in
      try #require(graph.nodes.firstIndex { $0.name == name })
    }
    let trained = try node.map { try graph.after(cut: $0) } ?? graph
    let prefix = try node.map {
      try FixedNetwork(graph.before(cut: $0), weights, threads: threads)
    }
    let network = try TrainingNetwork(trained, weights, options: options)
    var settings = OptimizerSettings(.momentum(0.9, isNesterov: true), weightDecay: 1e-4)
    settings.averageDecay = 0.9
    return (
      Course(
        network, try Optimizer(network, settings),
        MadeUpImages(count: 37, size: graph.inputShape.elementCount),
        imageShape: graph.inputShape, prefix: prefix,
        Course.Settings(
          schedule: .oneCycle(peak: rate, stepCount: 9), loss: Loss(.softmax(smoothing: 0.1)),
          batchImageCount: 16, seed: 7, threads: threads)), graph, weights
    )
  }

  private func bytes(_ weights: Weights?) throws -> [String: [UInt32]] {
    let weights = try #require(weights)
    return Dictionary(
      uniqueKeysWithValues: weights.names.map { name in
        (name, weights[name]?.values.map(\.bitPattern) ?? [])
      })
  }

  @Test("Every epoch has each image once, in batches that differ by one image at most")
  func order() {
    var order = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1)
    #expect(order.stepsPerEpoch == 3)
    var epochs: [[Int]] = []
    for epoch in 0..<2 {
      let batches = (0..<3).map { order.images(of: 3 * epoch + $0) }
      #expect(batches.map(\.count).allSatisfy { 12...13 ~= $0 })
      #expect(batches.joined().sorted() == Array(0..<37))
      epochs.append(Array(batches.joined()))
    }
    #expect(epochs[0] != epochs[1])
    var again = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1)
    #expect(again.images(of: 4) == Array(epochs[1][12..<24]) || again.images(of: 4).count == 13)
    // Asked for in another order, a step has the same images.
    var backwards = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1)
    let last = backwards.images(of: 5)
    #expect(backwards.images(of: 0) == Array(epochs[0].prefix(12)))
    #expect(last == Array(epochs[1].suffix(13)))
  }

  @Test("A training that goes on in the middle of an epoch gives the same bits, on any threads")
  func resumed() throws {
    let (whole, _, _) = try course()
    for _ in 0..<7 { _ = try whole.step() }
    let (first, _, _) = try course(threads: 2)
    for _ in 0..<4 { _ = try first.step() }
    let state = try first.state
    let (second, _, _) = try course(threads: 4)
    try second.restore(state)
    for _ in 0..<3 { _ = try second.step() }
    #expect(second.stepCount == 7)
    #expect(try bytes(second.network.weights) == bytes(whole.network.weights))
    #expect(try bytes(second.averagedWeights) == bytes(whole.averagedWeights))
  }

  @Test("Frozen layers and the rest together are the whole network, and only the rest is trained")
  func frozen() throws {
    let cut = try #require(
      SmallNetworks.graph("option B").stageEnds.first.map { node in
        try SmallNetworks.graph("option B").nodes[node].name
      })
    let (course, graph, weights) = try course(cut: cut)
    let images = ReproducibleNumbers("frozen").values(
      count: 20 * graph.inputShape.elementCount, from: -1, to: 1)
    let id = try #require(graph.nodes.firstIndex { $0.name == cut })
    let whole = try FixedNetwork(graph, weights, threads: 1).outputs(images)
    let before = try FixedNetwork(graph.before(cut: id), weights, threads: 2).outputs(images)
    let after = try FixedNetwork(graph.after(cut: id), weights, threads: 2).outputs(before)
    #expect(zip(whole, after).allSatisfy { abs($0 - $1) < 1e-4 })
    let names = try Set(course.network.weights.names)
    #expect(names.contains("fc.weight") && !names.contains("conv1.weight"))
    for _ in 0..<3 { _ = try course.step() }
    #expect(try bytes(course.network.weights)["fc.weight"] != bytes(weights)["fc.weight"])
  }

  @Test("A loss that is not finite names the step, the rate and images")
  func explosion() throws {
    let (course, _, _) = try course(rate: 1e30)
    let error = try #require(throws: TrainingError.self) {
      for _ in 0..<9 { _ = try course.step() }
    }
    #expect(error.description.contains("is not finite, at a rate of"))
    #expect(error.description.contains("image "))
  }

  @Test("The loss falls")
  func learning() throws {
    let (course, _, _) = try course()
    let losses = try (0..<9).map { _ in try course.step().loss }
    #expect(losses[8] < losses[0])
  }
}
