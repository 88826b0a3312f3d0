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
    rate: Double = 0.05, threads: Int = 1, cut: String? = nil,
    _ change: (inout Course.Settings) -> Void = { _ in }
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
    var rules = Course.Settings(
      schedule: .oneCycle(peak: rate, stepCount: 9), loss: Loss(.softmax(smoothing: 0.1)),
      batchImageCount: 16, seed: 7, threads: threads)
    change(&rules)
    return (
      Course(
        network, try Optimizer(network, settings),
        MadeUpImages(count: 37, size: graph.inputShape.elementCount),
        imageShape: graph.inputShape, prefix: prefix, rules), graph, weights
    )
  }

  private func bytes(_ weights: Weights?) throws -> [String: [UInt32]] {
    let weights = try #require(weights)
    return Dictionary(
      uniqueKeysWithValues: weights.names.map { name in
        (name, weights[name]?.values.map(\.bitPattern) ?? [])
      })
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

  @Test("Statistics that are estimated anew are means over the batches, whatever they were before")
  func observed() throws {
    let (fresh, _, _) = try course()
    let (moved, _, _) = try course()
    for _ in 0..<3 { _ = try moved.step() }
    let names = try fresh.network.weights.names.filter { $0.contains("running_") }
    var state = try fresh.state
    for name in names { state.weights[name] = try moved.network.weights[name] }
    #expect(try bytes(state.weights) != bytes(fresh.network.weights))
    try moved.restore(state)
    var told: [Int] = []
    let isComplete = try fresh.observe(batchCount: 3) { told.append($0) }
    #expect(isComplete && told == [1, 2, 3])
    #expect(try moved.observe(batchCount: 3))
    #expect(try bytes(fresh.network.weights) == bytes(moved.network.weights))
    // One batch after the other, each as a mean of its own.
    var sums: [String: [Double]] = [:]
    let (single, _, _) = try course()
    for step in 0..<3 {
      var place = try single.state
      place.stepCount = step
      try single.restore(place)
      #expect(try single.observe(batchCount: 1))
      for name in names {
        let values = (try single.network.weights[name]?.values ?? []).map { Double($0) }
        sums[name] = sums[name].map { zip($0, values).map(+) } ?? values
      }
    }
    for name in names {
      let found = try fresh.network.weights[name]?.values ?? []
      #expect(
        zip(found, sums[name] ?? []).allSatisfy { abs(Double($0) - $1 / 3) < 1e-5 * (1 + abs($1)) },
        "\(name)")
    }
    let isUnwanted = try fresh.observe(batchCount: 2, while: { false })
    #expect(!isUnwanted)
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

  @Test("Mixed images and balanced classes give the same bits too, and other ones than without")
  func mixedAndBalanced() throws {
    func run(_ threads: Int, _ steps: Int, _ change: @escaping (inout Course.Settings) -> Void)
      throws -> [String: [UInt32]]
    {
      let (course, _, _) = try course(threads: threads, change)
      for _ in 0..<2 { _ = try course.step() }
      let (other, _, _) = try self.course(threads: 3, change)
      try other.restore(course.state)
      for _ in 2..<steps { _ = try other.step() }
      return try bytes(other.network.weights)
    }
    let plain = try run(1, 5) { _ in }
    let mixed = try run(1, 5) { $0.mixupAlpha = 0.4 }
    #expect(try run(2, 5) { $0.mixupAlpha = 0.4 } == mixed)
    let balanced = try run(1, 5) { $0.balancesClasses = true }
    #expect(try run(4, 5) { $0.balancesClasses = true } == balanced)
    #expect(Set([plain, mixed, balanced]).count == 3)
  }

  @Test("A search for a rate ends when the loss explodes, and leaves everything as it was")
  func rateSearch() throws {
    let (course, _, _) = try course()
    let before = try bytes(course.network.weights)
    let average = try bytes(course.averagedWeights)
    var heard = 0
    let search = try #require(try course.searchRate(progress: { heard = $0 }))
    #expect(heard == search.trials.count && heard > 30 && heard <= RateSearch.stepCount)
    let rates = search.trials.map(\.rate)
    #expect(rates.first == 1e-7 && zip(rates, rates.dropFirst()).allSatisfy { $0 < $1 })
    let suggestion = try #require(search.suggestion)
    #expect((1e-4...3).contains(suggestion), "\(suggestion)")
    #expect(course.stepCount == 0)
    #expect(try bytes(course.network.weights) == before)
    #expect(try bytes(course.averagedWeights) == average)
    #expect(course.settings.schedule == .oneCycle(peak: 0.05, stepCount: 9))
    // It trains as if nothing had been.
    let (fresh, _, _) = try self.course()
    _ = try course.step()
    _ = try fresh.step()
    #expect(try bytes(course.network.weights) == bytes(fresh.network.weights))
    let (other, _, _) = try self.course()
    #expect(try other.searchRate(while: { false }) == nil)
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
