import Engine
import Numbers
import ResNet
import Testing

/// Bounds of results, which quantised files and ReLU6 have, as part of convolutions and by themselves.
@Suite struct ClipTests {
  private static let bounds = [
    Bounds(-0.4, 0.9), Bounds(0, 0.6), Bounds(-0.7, 0.7), Bounds(0.1, 0.5), Bounds(-1, 0),
  ]

  /// Graph of residual blocks with clips before their sums and after them, with a 3x3 convolution or a
  /// 1x1 one last.
  private static func graph(
    kernel: Int, channels: Int, first: Bounds, second: Bounds, rectifies: Bool = false
  ) -> Graph {
    var graph = Graph(input: FeatureShape(channels: channels, height: 8, width: 7))
    func convolution(_ kernel: Int) -> Operation {
      var convolution = Convolution(outputChannels: channels, kernel: Extent(kernel))
      convolution.padding = Padding(kernel / 2)
      convolution.hasBias = true
      return .convolution(convolution)
    }
    func clip(_ bounds: Bounds) -> Operation {
      .elementwise(.clip(minimum: bounds.lower, maximum: bounds.upper))
    }
    let stem = graph.append("stem", convolution(3), 0)
    let clipped = graph.append("stem clip", clip(second), stem)
    let main = graph.append("main", convolution(kernel), clipped)
    let bounded = graph.append("main clip", clip(first), main)
    let sum = graph.append("sum", .add, bounded, clipped)
    let last = graph.append("sum clip", rectifies ? .relu : clip(second), sum)
    graph.append("last", convolution(1), last)
    graph.append("last clip", clip(first), graph.output)
    return graph
  }

  private static func image(_ graph: Graph) throws -> [Float] {
    ReproducibleNumbers("clip").values(
      count: try graph.shapes()[0].elementCount, from: -2, to: 2)
  }

  private static func expect(
    _ graph: Graph, _ options: CompilationOptions, within share: Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let weights = try Weights.random(for: graph)
    let image = try image(graph)
    let expected = try ReferenceInterpreter(graph, weights).run(image.map(Double.init))
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let outputs = try context.logits(of: image + image, count: 2)
    let largest = expected.map(abs).max() ?? 0
    for (index, output) in outputs.enumerated() {
      let difference = abs(Double(output) - expected[index % expected.count])
      guard difference <= share * largest else {
        Issue.record("off by \(difference / largest)", sourceLocation: sourceLocation)
        return
      }
    }
  }

  @Test("Clips, sums between them and rectifiers end up in convolutions", arguments: [1, 3])
  func fusing(kernel: Int) {
    for rectifies in [false, true] {
      let graph = Self.graph(
        kernel: kernel, channels: 16, first: Self.bounds[0], second: Self.bounds[1],
        rectifies: rectifies)
      let fused = graph.foldingBatchNormalization().fusingActivations()
      #expect(fused.nodes.map(\.name) == ["input", "stem", "main", "last"])
      #expect(fused.nodes.map(\.resultName) == ["input", "stem clip", "sum clip", "last clip"])
    }
  }

  @Test("A clip that others read the source of stays by itself")
  func sharedSource() {
    var graph = Graph(input: FeatureShape(channels: 4, height: 3, width: 3))
    let convolution = Operation.convolution(Convolution(outputChannels: 4, kernel: Extent(1)))
    let first = graph.append("first", convolution, 0)
    let clip = graph.append("clip", .elementwise(.clip(minimum: 0, maximum: 1)), first)
    graph.append("sum", .add, clip, first)
    #expect(graph.fusingActivations() == graph)
  }

  @Test("A clip of a rectified result is one pair of bounds, and the reverse")
  func composition() throws {
    for operations: [Operation] in [
      [.relu, .elementwise(.clip(minimum: -1, maximum: 2))],
      [.elementwise(.clip(minimum: -1, maximum: 2)), .relu],
    ] {
      var graph = Graph(input: FeatureShape(channels: 4, height: 3, width: 3))
      graph.append("conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), 0)
      for (index, operation) in operations.enumerated() {
        graph.append("f\(index)", operation, graph.output)
      }
      let fused = graph.fusingActivations()
      guard case .convolution(let convolution) = fused.nodes.last?.operation else {
        Issue.record("no convolution")
        return
      }
      #expect(fused.nodes.count == 2 && convolution.bounds == Bounds(0, 2))
      #expect(!convolution.appliesReLU && fused.nonnegativeOutputs()[1])
    }
  }

  @Test("Clipped sums are the reference's by every kernel", arguments: bounds, [1, 3])
  func floatingPoint(bounds: Bounds, kernel: Int) throws {
    for (channels, rectifies) in [(16, false), (24, true), (5, false), (64, true)] {
      let graph = Self.graph(
        kernel: kernel, channels: channels, first: bounds, second: Self.bounds[0],
        rectifies: rectifies)
      for winograd in [WinogradPolicy.never, .always, .measured] {
        for instructions in KernelInstructions.available {
          var options = CompilationOptions()
          options.winograd = winograd
          options.kernelInstructions = instructions
          options.batchSizes = [1, 2]
          try Self.expect(graph, options, within: 1e-4)
        }
      }
    }
  }

  @Test(
    "They are near the reference's in bf16 and as integers", arguments: bounds,
    [Precision.bf16, .int8])
  func narrow(bounds: Bounds, precision: Precision) throws {
    guard try runs(in: precision) else { return }
    for kernel in [1, 3] {
      for channels in [16, 24, 64, 128] {
        // On integers a result is not clipped before its sum by every kernel.
        let isInteger = precision == .int8
        let graph = Self.graph(
          kernel: kernel, channels: channels, first: isInteger ? Bounds(-99, 99) : bounds,
          second: isInteger ? bounds : Self.bounds[0], rectifies: channels != 64)
        try Self.expect(graph, Self.options(precision, graph), within: 0.1)
      }
    }
  }

  @Test("Sums on integers whose addend is not clipped are told")
  func sumsAlone() throws {
    guard try runs(in: .int8) else { return }
    // So few channels are left to oneDNN on every CPU with VNNI.
    let graph = Self.graph(
      kernel: 1, channels: 16, first: Self.bounds[0], second: Self.bounds[1])
    let weights = try Weights.random(for: graph)
    var options = try Self.options(.int8, graph)
    let ways: [IntegerKernel.Instructions?] = [nil, .avx2]
    for instructions in ways {
      if let instructions, !IntegerKernel.Instructions.available.contains(instructions) { continue }
      options.integerInstructions = instructions
      let integers = try CompiledNetwork(graph, weights, options: options)
      let told = integers.steps(batch: 1).filter(\.clipsSumAlone)
      #expect(told.map(\.name) == (instructions == nil ? ["main"] : []))
    }
    options.precision = .fp32
    let floats = try CompiledNetwork(graph, weights, options: options)
    #expect(floats.steps(batch: 1).allSatisfy { !$0.clipsSumAlone })
  }

  private static func options(
    _ precision: Precision, _ graph: Graph
  ) throws -> CompilationOptions {
    let calibrator = try Calibrator(graph, .random(for: graph))
    let numbers = try image(graph)
    try calibrator.measure(numbers.span)
    var options = CompilationOptions()
    options.precision = precision
    options.calibration = Calibration(
      method: "test", ranges: calibrator.ranges(percentile: 100))
    options.batchSizes = [1, 2]
    return options
  }

  @Test("Integers end at the bounds, not at their range")
  func integers() throws {
    guard try runs(in: .int8) else { return }
    let bounds = Bounds(-0.25, 1)
    var graph = Graph(input: FeatureShape(channels: 64, height: 8, width: 8))
    graph.append("conv", .convolution(Convolution(outputChannels: 64, kernel: Extent(1))), 0)
    graph.append("clip", .elementwise(.clip(minimum: -0.25, maximum: 1)), graph.output)
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.precision = .int8
    options.calibration = Calibration(
      method: "test", ranges: ["input": 2, "clip": 1], floatingPoint: [])
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let outputs = try context.logits(of: Self.image(graph), count: 1)
    let (least, most) = (try #require(outputs.min()), try #require(outputs.max()))
    // A step of 1 / 127.
    #expect(abs(least - bounds.lower) <= 0.004 && abs(most - bounds.upper) <= 1e-6)
  }

  @Test("A clip of the input to what its integers stand for needs no step, others do")
  func input() throws {
    let calibration = Calibration(
      method: "test", ranges: ["input": 127], floatingPoint: [], inputZeroPoint: nil)
    for (lower, upper, remains) in [(-128, 127, false), (-100, 127, true), (-128, 126, true)] {
      var graph = Graph(input: FeatureShape(channels: 4, height: 3, width: 3))
      let clip = Elementwise.clip(minimum: Float(lower), maximum: Float(upper))
      graph.append("clip", .elementwise(clip), 0)
      graph.append("conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), 1)
      let left = graph.leavingInputBounds(to: calibration, keeping: [])
      #expect((left == graph) == remains)
      #expect(left.nodes.last?.inputs == [remains ? 1 : 0])
      #expect(graph.leavingInputBounds(to: calibration, keeping: ["clip"]) == graph)
    }
  }

  @Test("Our kernels do not hide NaN by bounds")
  func notANumber() throws {
    var graph = Graph(input: FeatureShape(channels: 16, height: 6, width: 6))
    var convolution = Convolution(outputChannels: 16, kernel: Extent(3))
    convolution.padding = Padding(1)
    graph.append("conv", .convolution(convolution), 0)
    graph.append("clip", .elementwise(.clip(minimum: -1, maximum: 1)), 1)
    for instructions in KernelInstructions.available {
      var options = CompilationOptions()
      options.winograd = .always
      options.kernelInstructions = instructions
      let network = try CompiledNetwork(graph, .random(for: graph), options: options)
      var image = try Self.image(graph)
      image[7] = .nan
      #expect(try ExecutionContext(network).logits(of: image, count: 1).contains { $0.isNaN })
    }
  }

  @Test("A calibration by a release that computed activations by themselves still holds")
  func earlierCalibration() {
    var graph = Graph(input: FeatureShape(channels: 4, height: 3, width: 3))
    graph.append("conv", .convolution(Convolution(outputChannels: 4, kernel: Extent(1))), 0)
    graph.append("relu6", .elementwise(.clip(minimum: 0, maximum: 6)), 1)
    let calibration = Calibration(method: "test", ranges: ["input": 1, "conv": 9, "relu6": 6])
    #expect(calibration.range(of: graph.fusingActivations().nodes[1]) == 6)
    let current = Calibration(method: "test", ranges: ["input": 1, "conv": 5])
    #expect(current.range(of: graph.fusingActivations().nodes[1]) == 5)
  }
}
