import Engine
import Numbers
import ResNet
import Testing
import Training

/// Training in bf16 compared with fp32 from the same parameters, which are rounded to bf16 before
/// so that only what is computed differs.
@Suite struct BFloat16Tests {
  static let missing: Comment = "the CPU has no avx512_bf16, or may not use it"
  /// Half of the distance between neighbouring numbers of bf16, relative to them.
  static let unit = 1.0 / 256

  /// A convolution between one that makes its source, whose numbers are exact in bf16, and a linear
  /// layer.
  struct Case: CustomTestStringConvertible {
    var channels: Int
    var outputs: Int
    var kernel = 3
    var stride = 1
    var padding: Int?
    var groups = 1
    var dilation = 1
    var size = 9

    var testDescription: String {
      "\(channels) to \(outputs), \(kernel)x\(kernel), stride \(stride), padding "
        + "\(padding ?? kernel / 2), \(groups) groups, dilation \(dilation), size \(size)"
    }

    var graph: Graph {
      var graph = Graph(input: FeatureShape(channels: 3, height: size, width: size))
      let first = Convolution(outputChannels: channels, kernel: Extent(1))
      graph.append("first", .convolution(first), 0)
      var convolution = Convolution(outputChannels: outputs, kernel: Extent(kernel))
      convolution.stride = Extent(stride)
      convolution.padding = Padding(padding ?? kernel / 2)
      convolution.groups = groups
      convolution.dilation = Extent(dilation)
      graph.append("tested", .convolution(convolution), graph.output)
      var last = Linear(outputs: 5)
      last.hasBias = false
      graph.append("fc", .linear(last), graph.output)
      return graph
    }
  }

  static let cases =
    [1, 3, 5, 8, 15, 16, 17, 31, 32, 33, 48, 64, 96].map { Case(channels: $0, outputs: 16) }
    + [1, 5, 16, 31, 32, 33, 48, 64, 130].map { Case(channels: 32, outputs: $0) }
    + [4, 5, 7, 8, 14, 16, 17, 28].map { Case(channels: 16, outputs: 32, size: $0) }
    + [
      Case(channels: 16, outputs: 32, stride: 2),
      Case(channels: 32, outputs: 64, stride: 2, size: 8),
      Case(channels: 64, outputs: 32, stride: 2, size: 7),
      Case(channels: 3, outputs: 64, kernel: 7, stride: 2, size: 22),
      Case(channels: 3, outputs: 32, stride: 2, size: 16),
      Case(channels: 16, outputs: 16, kernel: 1), Case(channels: 48, outputs: 96, kernel: 1),
      Case(channels: 8, outputs: 24, kernel: 1), Case(channels: 32, outputs: 16, kernel: 5),
      Case(channels: 16, outputs: 16, padding: 0), Case(channels: 16, outputs: 16, padding: 2),
      Case(channels: 16, outputs: 32, groups: 4), Case(channels: 64, outputs: 64, groups: 2),
      Case(channels: 16, outputs: 16, dilation: 2), Case(channels: 16, outputs: 16, stride: 3),
    ]

  @Test(
    "Convolutions and their gradients in bf16 are those of fp32 within its rounding",
    .enabled(if: Precision.bf16.isNative, missing), arguments: cases)
  func convolution(of item: Case) throws {
    let (narrow, wide) = (try stepped(item.graph, .bf16), try stepped(item.graph, .fp32))
    #expect(abs(narrow.loss - wide.loss) <= Self.unit * abs(wide.loss))
    for name in wide.gradients.names {
      let error = try relativeError(narrow.gradients[name], wide.gradients[name])
      #expect(error <= 2 * Self.unit, "\(name): \(error)")
    }
  }

  @Test(
    "Gradients of whole networks in bf16 are near those of fp32",
    .enabled(if: Precision.bf16.isNative, missing), arguments: SmallNetworks.names)
  func network(name: String) throws {
    let graph = try SmallNetworks.graph(name)
    let (narrow, wide) = (try stepped(graph, .bf16), try stepped(graph, .fp32))
    #expect(abs(narrow.loss - wide.loss) <= 4 * Self.unit * abs(wide.loss))
    func all(_ gradients: Weights) -> Tensor {
      let numbers = gradients.names.sorted().flatMap { gradients[$0]?.values ?? [] }
      return Tensor(shape: [numbers.count], storage: numbers)
    }
    // Statistics of so few numbers make much of their rounding: up to 40 times the unit is usual.
    let error = try relativeError(all(narrow.gradients), all(wide.gradients))
    #expect(error <= 64 * Self.unit, "\(error)")
  }

  @Test(
    "Training in bf16 takes less memory, as much as it says",
    .enabled(if: Precision.bf16.isNative, missing))
  func memory() throws {
    let graph = try Graph(Architecture.named("resnet20-cifar") ?? .cifar(depth: 20)!)
    let weights = try Weights.random(for: graph)
    let counts = try [Precision.fp32, .bf16].map { precision in
      var options = TrainingOptions(batchLimit: 64)
      options.precision = precision
      return try TrainingNetwork(graph, weights, options: options).byteCount
    }
    #expect(counts[1] * 10 < counts[0] * 6)
    var options = TrainingOptions(batchLimit: 64)
    options.precision = .bf16
    options.byteLimit = counts[1] - 1
    #expect(throws: TrainingError.self) {
      _ = try TrainingNetwork(graph, weights, options: options)
    }
  }

  @Test(
    "bf16 is refused where the CPU has no instructions for it",
    .enabled(if: !Precision.bf16.isNative, "the CPU has them"))
  func refused() throws {
    #expect {
      _ = try self.stepped(SmallNetworks.graph("option B"), .bf16)
    } throws: { error in
      "\(error)".contains("needs a CPU with avx512_bf16")
    }
  }

  @Test("Nothing is trained in int8")
  func integers() throws {
    #expect(throws: TrainingError.self) {
      _ = try self.stepped(SmallNetworks.graph("option B"), .int8)
    }
  }

  // MARK: Steps

  private struct Step {
    var loss: Double
    var gradients: Weights
  }

  /// Computes a step of two whole shards and an incomplete one, the second time over memory in use.
  private func stepped(_ graph: Graph, _ precision: Precision) throws -> Step {
    var weights = Weights()
    let random = try Weights.random(for: graph)
    for name in random.names {
      guard let tensor = random[name] else { continue }
      weights[name] = Tensor(shape: tensor.shape, storage: tensor.values.map(Self.rounded))
    }
    // One input in each sum, by a power of two.
    if let first = weights["first.weight"] {
      let numbers = (0..<first.elementCount).map { index -> Float in
        let (output, input) = (index / 3, index % 3)
        return output % 3 == input ? (output.isMultiple(of: 2) ? 1 : -0.5) : 0
      }
      weights["first.weight"] = Tensor(shape: first.shape, storage: numbers)
    }
    var options = TrainingOptions(batchLimit: 11)
    options.shardImageCount = 4
    options.precision = precision
    let network = try TrainingNetwork(graph, weights, options: options)
    let images = ReproducibleNumbers("images").values(
      count: 11 * graph.inputShape.elementCount, from: -1, to: 1
    ).map(Self.rounded)
    let targets = Targets.classes((0..<11).map { $0 % 5 })
    _ = try network.step(
      images: images.span, targets: targets, loss: Loss(.softmax(smoothing: 0)))
    let result = try network.step(
      images: images.span, targets: targets, loss: Loss(.softmax(smoothing: 0)))
    return Step(loss: result.loss, gradients: try network.gradients)
  }

  private static func rounded(_ value: Float) -> Float {
    let bits = value.bitPattern
    return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
  }

  /// Returns the length of the difference, relative to that of what is expected.
  private func relativeError(_ actual: Tensor?, _ expected: Tensor?) throws -> Double {
    let (actual, expected) = (try #require(actual?.values), try #require(expected?.values))
    let difference = zip(actual, expected).reduce(0.0) {
      $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
    }
    let length = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (difference / max(length, 1e-20)).squareRoot()
  }
}
