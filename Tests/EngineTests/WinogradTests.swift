import Engine
import Numbers
import ResNet
import Testing

/// Our own kernels compared with sums in double precision, for every instruction set that this CPU
/// has.
@Suite struct WinogradTests {
  /// Tolerance, relative to the largest output (the error of F(4x4, 3x3) in single precision,
  /// doubled for a safe margin).
  static let tolerance = 2e-5

  /// Channels and size of the 3x3 convolutions of stride 1 in the five ImageNet networks and the
  /// CIFAR family.
  static let shapes = [(64, 56), (128, 28), (256, 14), (512, 7), (16, 32), (32, 16), (64, 8)]

  @Test("The networks' convolutions give the reference's sums", arguments: shapes)
  func networkShapes(channels: Int, size: Int) throws {
    let shape = FeatureShape(channels: channels, height: size, width: size)
    let block = try Block(shape, outputChannels: channels, padding: Extent(1), seed: "\(shape)")
    for instructions in KernelInstructions.available {
      try block.expectReference(instructions, threads: [1, 2], batch: 2)
    }
  }

  @Test("Odd sizes, channel counts, paddings and numbers of threads too", arguments: 0..<40)
  func randomShapes(seed: Int) throws {
    var dice = Dice("winograd \(seed)")
    let shape = FeatureShape(
      channels: dice.pick([1, 3, 8, 15, 16, 17, 24, 32, 40, 48, 70]),
      height: dice.pick([1, 2, 3, 4, 5, 6, 7, 9, 13, 17]),
      width: dice.pick([1, 2, 3, 4, 5, 6, 8, 11, 14, 19]))
    let padding = Extent(
      height: shape.height < 3 ? 1 : dice.pick([0, 1, 2, 3]),
      width: shape.width < 3 ? 1 : dice.pick([0, 1, 2, 3]))
    let block = try Block(
      shape, outputChannels: dice.pick([1, 5, 8, 16, 24, 31, 32, 33, 48, 64]), padding: padding,
      seed: "\(seed)")
    for instructions in KernelInstructions.available {
      try block.expectReference(instructions, threads: [1, 3, 5], batch: dice.pick([1, 2, 5]))
    }
  }

  @Test("ReLU does not hide NaN")
  func notANumber() throws {
    let shape = FeatureShape(channels: 16, height: 6, width: 6)
    let block = try Block(shape, outputChannels: 16, padding: Extent(1), seed: "nan")
    for instructions in KernelInstructions.available {
      let network = try block.compiled(instructions, threads: 1, batch: 1)
      var image = block.image
      image[7] = .nan
      let outputs = try ExecutionContext(network).logits(of: image, count: 1)
      #expect(outputs.contains { $0.isNaN })
    }
  }

  @Test("The plan names the kernel and its instructions")
  func planNamesKernel() throws {
    let shape = FeatureShape(channels: 16, height: 8, width: 8)
    let block = try Block(shape, outputChannels: 16, padding: Extent(1), seed: "plan")
    for instructions in KernelInstructions.available {
      let network = try block.compiled(instructions, threads: 1, batch: 1)
      let implementations = network.steps(batch: 1).map(\.implementation)
      #expect(implementations.contains("winograd:\(instructions.rawValue)"))
    }
  }

  /// Graph of two convolutions, the second added to its input: bias, residual and ReLU in both
  /// layouts.
  struct Block {
    let graph: Graph
    let weights: Weights
    let image: [Float]
    let expected: [Double]

    init(_ shape: FeatureShape, outputChannels: Int, padding: Extent, seed: String) throws {
      var convolution = Convolution(outputChannels: outputChannels, kernel: Extent(3))
      convolution.padding = Padding(padding)
      convolution.hasBias = true
      var graph = Graph(input: shape)
      let first = graph.append("conv1", .convolution(convolution), 0)
      let rectified = graph.append("relu1", .relu, first)
      convolution.padding = Padding(1)
      let second = graph.append("conv2", .convolution(convolution), rectified)
      let sum = graph.append("add", .add, second, rectified)
      graph.append("relu2", .relu, sum)
      self.graph = graph
      weights = try Weights.random(for: graph)
      image = ReproducibleNumbers(seed).values(count: shape.elementCount, from: -2, to: 2)
      expected = try ReferenceInterpreter(graph, weights).run(image.map(Double.init))
    }

    func compiled(
      _ instructions: KernelInstructions, threads: Int, batch: Int
    ) throws -> CompiledNetwork {
      var options = CompilationOptions()
      options.winograd = .always
      options.kernelInstructions = instructions
      options.threads = threads
      options.batchSizes = [batch]
      return try CompiledNetwork(graph, weights, options: options)
    }

    func expectReference(
      _ instructions: KernelInstructions, threads: [Int], batch: Int,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let largest = expected.map(abs).max() ?? 0
      for threads in threads {
        let context = try ExecutionContext(compiled(instructions, threads: threads, batch: batch))
        let images = (0..<batch).flatMap { _ in image }
        let outputs = try context.logits(of: images, count: batch)
        try #require(outputs.count == batch * expected.count, sourceLocation: sourceLocation)
        for index in outputs.indices {
          let difference = abs(Double(outputs[index]) - expected[index % expected.count])
          guard difference <= WinogradTests.tolerance * largest else {
            Issue.record(
              "\(instructions), \(threads) threads, batch \(batch): off by \(difference)",
              sourceLocation: sourceLocation)
            return
          }
        }
      }
    }
  }

  @Test(
    "Where tiles multiply bf16, the direct convolution is left to them",
    arguments: [
      (Precision.fp32, InstructionLevel.avx2, true), (.fp32, .avx512AMX, true),
      (.bf16, .avx512BF16, true), (.bf16, .avx512AMX, false), (.int8, .avx512VNNI, false),
    ])
  func table(precision: Precision, instructions: InstructionLevel, pays: Bool) {
    var convolution = Convolution(outputChannels: 64, kernel: Extent(3))
    convolution.padding = Padding(1)
    let input = FeatureShape(channels: 64, height: 56, width: 56)
    #expect(
      pays
        == WinogradTable.pays(
          convolution, input: input, largestBatch: 8, precision: precision,
          instructions: instructions))
  }
}
