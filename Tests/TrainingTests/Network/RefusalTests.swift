import ResNet
import Testing
import Training

@Suite struct RefusalTests {
  private func refusal(
    _ graph: Graph, _ options: TrainingOptions = TrainingOptions(batchLimit: 4)
  ) throws -> String {
    do {
      _ = try TrainingNetwork(graph, .random(for: graph), options: options)
      return ""
    } catch let error as TrainingError { return error.description }
  }

  @Test("An operation without a gradient is refused by its node's name")
  func operations() throws {
    var graph = Graph(input: FeatureShape(channels: 3, height: 8, width: 8))
    graph.append("conv", .convolution(Convolution(outputChannels: 8, kernel: Extent(3))), 0)
    graph.append("act", .elementwise(.tanh), graph.output)
    graph.append("fc", .linear(Linear(outputs: 2)), graph.output)
    let message = try refusal(graph)
    #expect(message.hasPrefix("act cannot be trained") && message.contains("freeze everything"))

    // What follows the operation can be.
    let cut = try #require(graph.nodes.firstIndex { $0.name == "act" })
    #expect(try refusal(graph.after(cut: cut)) == "")

    graph.append("softmax", .softmax(size: 2), graph.output)
    #expect(try refusal(graph.after(cut: cut)).hasPrefix("softmax cannot be trained"))
  }

  @Test("A network that does not end in a linear layer is refused")
  func ending() throws {
    let graph = try SmallNetworks.graph("option B")
    let pooled = try #require(graph.nodes.firstIndex { $0.name == "avgpool" })
    #expect(try refusal(graph.before(cut: pooled)).contains("must end in a linear layer"))
  }

  @Test("A cut around which the network leads is refused, at both ends of a block it is not")
  func cuts() throws {
    let graph = try SmallNetworks.graph("option B")
    func node(_ name: String) throws -> Int {
      try #require(graph.nodes.firstIndex { $0.name == name })
    }
    #expect {
      _ = try graph.after(cut: node("layer1.0.relu1"))
    } throws: { error in
      (error as? CutFault)
        == .bypassed(cut: "layer1.0.relu1", reader: "layer1.0.add", source: "relu")
    }
    #expect(throws: CutFault.nothingAfter("fc")) { try graph.after(cut: node("fc")) }
    let (before, after) = (
      graph.before(cut: try node("layer1.1.relu")),
      try graph.after(cut: try node("layer1.1.relu"))
    )
    #expect(try before.outputShape == after.inputShape)
    #expect(after.nodes.count + before.nodes.count == graph.nodes.count + 1)
    let names = Set(try before.parameterShapes().keys)
    #expect(names.isDisjoint(with: try after.parameterShapes().keys))
    #expect(try names.union(after.parameterShapes().keys) == Set(graph.parameterShapes().keys))
  }

  @Test("Options and batches outside of their limits are refused with what is allowed")
  func limits() throws {
    let graph = try SmallNetworks.graph("option B")
    #expect(try refusal(graph, TrainingOptions(batchLimit: 0)).contains("allowed are 1 to 65536"))
    var options = TrainingOptions(batchLimit: 4)
    options.byteLimit = 1000
    #expect(try refusal(graph, options).contains("1000 are allowed; take smaller batches than 4"))
    options.byteLimit = nil
    let network = try TrainingNetwork(graph, .random(for: graph), options: options)
    for count in [0, 5, 1] {
      let images = [Float](repeating: 0, count: count * 192 + (count == 1 ? 7 : 0))
      #expect {
        _ = try network.observe(images: images.span)
      } throws: { error in
        (error as? TrainingError)?.description.contains("1 to 4 images of 3x8x8, 192 numbers")
          ?? false
      }
    }
  }

  @Test("One image whose normalisation sees one number for each channel is refused")
  func alone() throws {
    let graph = try SmallNetworks.graph("linear over pixels")
    let network = try TrainingNetwork(
      graph, .random(for: graph), options: TrainingOptions(batchLimit: 4))
    #expect {
      _ = try network.observe(images: [Float](repeating: 0, count: 192).span)
    } throws: { error in
      (error as? TrainingError)?.description.contains("bn2 sees one number") ?? false
    }
    _ = try network.observe(images: [Float](repeating: 0, count: 2 * 192).span)
  }

  @Test("The bytes that are stated are those of the memory that is taken, for any batch below it")
  func bytes() throws {
    let graph = try SmallNetworks.graph("option B")
    let weights = try Weights.random(for: graph)
    let small = try TrainingNetwork(graph, weights, options: TrainingOptions(batchLimit: 32))
    let large = try TrainingNetwork(graph, weights, options: TrainingOptions(batchLimit: 320))
    #expect(large.byteCount > 4 * small.byteCount)
    var options = TrainingOptions(batchLimit: 320)
    options.byteLimit = large.byteCount
    #expect(try refusal(graph, options) == "")
    options.byteLimit = large.byteCount - 1
    #expect(try refusal(graph, options) != "")
  }
}
