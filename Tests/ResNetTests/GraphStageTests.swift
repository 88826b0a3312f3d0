import ResNet
import Testing

/// Stages of networks, and what training begins with.
@Suite struct GraphStageTests {
  @Test(
    "A stage ends where the resolution falls",
    arguments: [
      ("resnet18", ["layer1.1.relu", "layer2.1.relu", "layer3.1.relu", "layer4.1.relu"]),
      ("resnet50", ["layer1.2.relu3", "layer2.3.relu3", "layer3.5.relu3", "layer4.2.relu3"]),
      ("resnet20-cifar", ["layer1.2.relu", "layer2.2.relu", "layer3.2.relu"]),
    ])
  func ends(name: String, expected: [String]) throws {
    let graph = try Graph(try #require(Architecture.named(name)))
    let names = graph.stageEnds.map { graph.nodes[$0].name }
    #expect(names.count == expected.count)
    for (found, wanted) in zip(names, expected) {
      // Names of a block's last ReLU differ between networks.
      #expect(found.split(separator: ".").prefix(2) == wanted.split(separator: ".").prefix(2))
    }
  }

  @Test("Weights have He's variance, and the last scale of every block is 0")
  func initial() throws {
    let graph = try Graph(try #require(Architecture.named("resnet18")))
    let weights = try Weights.initial(for: graph, seed: 1)
    let convolution = try #require(weights["layer2.0.conv2.weight"]).values
    let mean = convolution.reduce(0.0) { $0 + Double($1) } / Double(convolution.count)
    let variance =
      convolution.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(convolution.count)
    // 2 / (128 outputs of 3x3), of 147,456 numbers.
    #expect(abs(variance / (2.0 / 1152) - 1) < 0.02 && abs(mean) < 3e-4)
    #expect(weights["layer2.0.bn2.weight"]?.values.allSatisfy { $0 == 0 } == true)
    #expect(weights["layer2.0.bn1.weight"]?.values.allSatisfy { $0 == 1 } == true)
    #expect(weights["layer2.0.downsample.1.weight"]?.values.allSatisfy { $0 == 1 } == true)
    #expect(weights["bn1.running_var"]?.values.allSatisfy { $0 == 1 } == true)
    let bias = try #require(weights["fc.bias"]).values
    #expect(bias.allSatisfy { abs($0) <= 1 / Float(512).squareRoot() } && Set(bias).count > 100)
    let other = try Weights.initial(for: graph, seed: 2)
    #expect(other["conv1.weight"]?.values != weights["conv1.weight"]?.values)
  }

  @Test("Beside a shortcut with channels of zeros the last scale is 1, or they would stay zeros")
  func initialBesideZeros() throws {
    let graph = try Graph(try #require(Architecture.named("resnet20-cifar")))
    let weights = try Weights.initial(for: graph, seed: 1)
    for stage in 1...3 {
      for block in 0..<3 {
        let scale = try #require(weights["layer\(stage).\(block).bn2.weight"]).values
        let widens = stage > 1 && block == 0
        #expect(scale.allSatisfy { $0 == (widens ? 1 : 0) }, "stage \(stage), block \(block)")
      }
    }
  }
}
