import Engine
import Numbers
import ResNet
import Testing

/// Convolutions on integers, compared with sums in whole numbers: to the bit.
@Suite(
  .enabled(
    if: !IntegerKernel.Instructions.available.isEmpty, "the CPU has no AVX2, or may not use it"))
struct IntegerKernelTests {
  /// A way of computing a convolution on the CPU's instructions.
  struct Way: Sendable, CustomTestStringConvertible {
    let algorithm: IntegerKernel.Algorithm
    let instructions: IntegerKernel.Instructions

    var testDescription: String { "\(algorithm), \(instructions.rawValue)" }

    static let all = IntegerKernel.Instructions.available.flatMap { instructions in
      IntegerKernel.Algorithm.allCases.compactMap { algorithm -> Way? in
        algorithm == .winograd || instructions == .avx2
          ? Way(algorithm: algorithm, instructions: instructions) : nil
      }
    }
  }

  struct Case: Sendable {
    var images = 2
    var input = FeatureShape(channels: 32, height: 9, width: 7)
    var convolution: Convolution
    var source = Number.u8
    var destination = Number.u8
    var zeroPoint: Int32 = 0
    var threads = 1
    /// Magnitude of the weights.
    var largestWeight: Float = 127
    /// Whether few weights are large, as in trained networks.
    var hasSmallWeights = false

    init(outputs: Int = 32, kernel: Int = 3, padding: Int = 1) {
      convolution = Convolution(outputChannels: outputs, kernel: Extent(kernel))
      convolution.padding = Padding(padding)
      convolution.hasBias = true
    }

    func with(_ change: (inout Case) -> Void) -> Case {
      var item = self
      change(&item)
      return item
    }

    var output: FeatureShape {
      func size(_ input: Int, _ side: KeyPath<Extent, Int>) -> Int {
        let padding = convolution.padding
        let covered = convolution.dilation[keyPath: side] * (convolution.kernel[keyPath: side] - 1)
        let padded = input + padding.before[keyPath: side] + padding.after[keyPath: side]
        return (padded - covered - 1) / convolution.stride[keyPath: side] + 1
      }
      return FeatureShape(
        channels: convolution.outputChannels, height: size(input.height, \.height),
        width: size(input.width, \.width))
    }
  }

  static let cases: [Case] = [
    Case(),
    Case().with { $0.input.channels = 16 },
    Case().with { $0.source = .s8 },
    Case().with { $0.destination = .s8 },
    Case().with { $0.destination = .fp32 },
    Case().with { $0.convolution.addsResidual = true },
    Case().with {
      $0.convolution.addsResidual = true
      $0.convolution.appliesReLU = true
      $0.destination = .fp32
    },
    Case().with {
      $0.convolution.addsResidual = true
      $0.convolution.bounds = Bounds(-20, 30)
      $0.convolution.sumBounds = Bounds(-5, 40)
      $0.destination = .s8
    },
    // Whole groups of outputs, and more.
    Case(outputs: 80).with {
      $0.images = 5
      $0.input = FeatureShape(channels: 96, height: 11, width: 9)
      $0.source = .s8
      $0.convolution.addsResidual = true
    },
    Case(outputs: 128).with {
      $0.images = 1
      $0.input = FeatureShape(channels: 64, height: 6, width: 22)
      $0.threads = 4
    },
    // Several passes over the tiles and parts for threads, with edges that are no whole tiles.
    Case(outputs: 48).with {
      $0.images = 3
      $0.input = FeatureShape(channels: 32, height: 21, width: 26)
      $0.threads = 3
    },
    Case(padding: 0).with { $0.input = FeatureShape(channels: 64, height: 3, width: 5) },
    Case(padding: 2).with { $0.input = FeatureShape(channels: 32, height: 1, width: 2) },
    Case().with {
      $0.convolution.padding = Padding(
        before: Extent(height: 0, width: 2), after: Extent(height: 2, width: 1))
    },
    // Outputs that are no whole panels, rows that are no whole steps.
    Case(outputs: 7, kernel: 5, padding: 2).with {
      $0.input = FeatureShape(channels: 5, height: 13, width: 11)
      $0.convolution.stride = Extent(height: 3, width: 2)
    },
    Case(outputs: 64, kernel: 7, padding: 3).with {
      $0.images = 1
      $0.input = FeatureShape(channels: 3, height: 40, width: 38)
      $0.convolution.stride = Extent(2)
      $0.source = .s8
      $0.zeroPoint = -9
      $0.threads = 2
    },
    Case(outputs: 20).with {
      $0.convolution.dilation = Extent(height: 2, width: 3)
      $0.convolution.padding = Padding(3)
    },
    Case(outputs: 33, kernel: 1, padding: 0).with { $0.threads = 4 },
    Case(outputs: 33, kernel: 1, padding: 1).with { $0.source = .s8 },
    Case(outputs: 100, kernel: 1, padding: 0).with {
      $0.input = FeatureShape(channels: 301, height: 1, width: 1)
      $0.destination = .fp32
    },
    // No sum of two products of bytes exceeds 16 bits.
    Case(outputs: 32, kernel: 1, padding: 0).with { $0.largestWeight = 64 },
    // Few do, of bytes that are taken in another order, or twice.
    Case(outputs: 48, kernel: 1, padding: 0).with {
      $0.input = FeatureShape(channels: 144, height: 7, width: 5)
      $0.hasSmallWeights = true
    },
    Case(outputs: 40, kernel: 5, padding: 2).with {
      $0.input.channels = 23
      $0.source = .s8
      $0.zeroPoint = 11
      $0.hasSmallWeights = true
    },
  ]

  @Test("Outputs are exact sums, scaled, added, clipped and rounded", arguments: cases)
  func outputs(of item: Case) throws {
    let layer = Layer(item)
    let expected = layer.expected
    for way in Way.all {
      guard let kernel = layer.kernel(way) else {
        #expect(way.algorithm == .winograd)
        continue
      }
      #expect(way.algorithm == .direct || kernel.isExact(for: layer.weight))
      #expect(try layer.run(kernel) == expected, "\(way.testDescription)")
    }
  }

  @Test("The largest numbers there are do not saturate", arguments: [Number.u8, .s8])
  func largest(source: Number) throws {
    for weight: Int8 in [127, -127, -128] {
      let item = Case(outputs: 16).with {
        $0.input.channels = 32
        $0.source = source
        $0.destination = .fp32
      }
      var layer = Layer(item)
      layer.source = layer.source.map { _ in source == .u8 ? 255 : 0x80 }
      layer.weight = layer.weight.map { _ in weight }
      for way in Way.all {
        let kernel = try #require(layer.kernel(way))
        #expect(kernel.isExact(for: layer.weight))
        #expect(try layer.run(kernel) == layer.expected, "\(way.testDescription), \(weight)")
      }
    }
  }

  @Test(
    "Weights whose sums may need more bits than Winograd's filtering has are told apart",
    arguments: Way.all.filter { $0.algorithm == .winograd })
  func exactness(way: Way) throws {
    let item = Case(outputs: 16).with {
      $0.images = 1
      $0.input = FeatureShape(channels: 128, height: 4, width: 4)
      $0.destination = .fp32
    }
    var layer = Layer(item)
    layer.source = layer.source.map { _ in 255 }
    let kernel = try #require(layer.kernel(way))
    // One output's positive weights alone; 2 to the 25th is 255 x 131,586.01.
    let count = 128 * 9
    func setWeights(sum: Int) {
      for index in 0..<count { layer.weight[index] = Int8(index < sum % count ? 115 : 114) }
      #expect(layer.weight[..<count].reduce(0) { $0 + Int($1) } == sum)
    }
    setWeights(sum: 131_586)
    #expect(kernel.isExact(for: layer.weight))
    #expect(try layer.run(kernel) == layer.expected)
    setWeights(sum: 131_587)
    #expect(!kernel.isExact(for: layer.weight))
  }

  @Test("An image's outputs are the same in every batch", arguments: Way.all)
  func batches(way: Way) throws {
    let item = Case(outputs: 32).with {
      $0.images = 5
      $0.input.channels = 32
    }
    let whole = Layer(item)
    let outputs = try whole.run(#require(whole.kernel(way)))
    var lone = Layer(item.with { $0.images = 1 })
    lone.weight = whole.weight
    let (inputCount, count) = (item.input.elementCount, item.output.elementCount)
    lone.source = Array(whole.source[(4 * inputCount)...])
    #expect(try lone.run(#require(lone.kernel(way))) == Array(outputs[(4 * count)...]))
  }

  @Test("What it cannot compute is left to others")
  func others() {
    for change: (inout Case) -> Void in [
      { $0.convolution.groups = 2 }, { $0.source = .fp32 }, { $0.source = .bf16 },
      { $0.destination = .bf16 },
    ] {
      for way in Way.all { #expect(Layer(Case().with(change)).kernel(way) == nil) }
    }
    for change: (inout Case) -> Void in [
      { $0.convolution.stride = Extent(2) }, { $0.convolution.dilation = Extent(2) },
      { $0.convolution.outputChannels = 24 }, { $0.input.channels = 24 }, { $0.zeroPoint = 3 },
    ] {
      let layer = Layer(Case().with(change))
      for way in Way.all {
        #expect((layer.kernel(way) != nil) == (way.algorithm == .direct))
      }
    }
  }

  @Test("A network's logits are the same by both algorithms, and those of a CPU with VNNI")
  func networks() throws {
    for name in ["resnet20-cifar", "resnet18"] {
      var architecture = try #require(Architecture.named(name))
      architecture.inputSize = 32
      let graph = try Graph(architecture)
      let weights = try Weights.random(for: graph)
      let shape = try graph.shapes()[0]
      let image = ReproducibleNumbers("image").values(count: shape.elementCount, from: -2, to: 2)
      let calibrator = try Calibrator(graph, weights)
      try calibrator.measure(image.span)
      var options = CompilationOptions()
      options.precision = .int8
      options.calibration = Calibration(
        method: "test", ranges: calibrator.ranges(percentile: 100))
      func logits(
        _ winograd: WinogradPolicy, _ instructions: IntegerKernel.Instructions?
      ) throws -> [Float] {
        options.winograd = winograd
        options.integerInstructions = instructions
        let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
        return try context.logits(of: image, count: 1)
      }
      let direct = try logits(.never, .avx2)
      #expect(try logits(.always, .avx2) == direct)
      #expect(try logits(.measured, .avx2) == direct)
      guard InstructionLevel.used.multipliesBytes else { continue }
      let others = try logits(.measured, nil)
      let largest = others.map(abs).max() ?? 0
      for (own, other) in zip(direct, others) { #expect(abs(own - other) <= largest / 50) }
      if IntegerKernel.Instructions.available.contains(.avx512VNNI) {
        #expect(try logits(.always, .avx512VNNI) == others)
      }
    }
  }

  @Test("Estimated memory covers that of our kernels, however many channels there are")
  func estimate() throws {
    for (channels, kernel) in [(64, 3), (1024, 3), (8192, 3), (8192, 1)] {
      var graph = Graph(input: FeatureShape(channels: 16, height: 14, width: 14))
      graph.append(
        "wide", .convolution(Convolution(outputChannels: channels, kernel: Extent(1))), 0)
      var convolution = Convolution(outputChannels: 16, kernel: Extent(kernel))
      convolution.padding = Padding(kernel / 2)
      graph.append("conv", .convolution(convolution), 1)
      var options = CompilationOptions()
      options.precision = .int8
      options.batchSizes = [1, 2]
      options.calibration = Calibration(method: "test", ranges: ["input": 2, "wide": 1, "conv": 1])
      let network = try CompiledNetwork(graph, .random(for: graph), options: options)
      let estimate = try CompilationEstimate(
        graph, precision: .int8, batchSizes: options.batchSizes, hasTeam: false)
      #expect(network.contextByteCount <= estimate.contextByteCount, "\(channels), \(kernel)")
    }
  }

  /// A convolution with its numbers.
  struct Layer {
    let item: Case
    var source: [UInt8]
    let residual: [UInt8]
    var weight: [Int8]
    let bias: [Float]
    let scales: [Float]
    private static let residualScale: Float = 0.5

    init(_ item: Case) {
      self.item = item
      let kernel = item.convolution.kernel
      let depth = item.input.channels * kernel.height * kernel.width
      let outputs = item.convolution.outputChannels
      source = ReproducibleNumbers("source").values(
        count: item.images * item.input.elementCount, from: 0, to: 255.99
      ).map { UInt8($0) }
      // Small enough to be finite floating-point numbers too.
      residual = ReproducibleNumbers("residual").values(
        count: 4 * item.images * item.output.elementCount, from: 0, to: 63.99
      ).map { UInt8($0) }
      weight = ReproducibleNumbers("weight").values(
        count: outputs * depth, from: -1, to: 1
      ).map { Int8((item.largestWeight * (item.hasSmallWeights ? $0 * $0 * $0 : $0)).rounded()) }
      bias = ReproducibleNumbers("bias").values(count: outputs, from: -5000, to: 5000)
      scales = ReproducibleNumbers("scales").values(
        count: outputs, from: 0, to: 1 / Float(depth) / 20)
    }

    private var shape: [Int] {
      let convolution = item.convolution
      return [
        convolution.outputChannels, item.input.channels, convolution.kernel.height,
        convolution.kernel.width,
      ]
    }

    func kernel(_ way: Way) -> IntegerKernel? {
      let numbers = ConvolutionNumbers(
        source: item.source, destination: item.destination,
        residual: item.convolution.addsResidual
          ? (item.destination == .fp32 ? .fp32 : .s8, Self.residualScale) : nil)
      return IntegerKernel(
        item.convolution, numbers, zeroPoint: item.zeroPoint, by: way.algorithm, way.instructions,
        batch: item.images, input: item.input, output: item.output, threads: item.threads)
    }

    /// Returns the bytes of the result.
    func run(_ kernel: IntegerKernel) throws -> [UInt8] {
      let weights = try kernel.pack(
        weight, shape: shape, bias: bias, scales: scales, for: "weights")
      let scratch = try AlignedMemory(byteCount: kernel.scratchpadByteCount, for: "scratch memory")
      // What is in memory before must not matter.
      unsafe scratch.base.initializeMemory(
        as: UInt8.self, repeating: 0xff, count: kernel.scratchpadByteCount)
      let count = item.images * item.output.elementCount * (item.destination == .fp32 ? 4 : 1)
      var (source, destination) = (source, Array(residual[..<count]))
      // SAFETY: all memory is as large as the shapes say.
      withExtendedLifetime((weights, scratch)) {
        unsafe kernel.run(
          source: &source, weights: weights.base, destination: &destination,
          scratchpad: scratch.base)
      }
      return destination
    }

    var expected: [UInt8] {
      (0..<item.images * item.output.elementCount).flatMap { index -> [UInt8] in
        let number = expected(index)
        switch item.destination {
        case .fp32:
          let bits = number.bitPattern
          return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        case .u8: return [UInt8(min(max(number.rounded(.toNearestOrEven), 0), 255))]
        default:
          let byte = Int8(min(max(number.rounded(.toNearestOrEven), -128), 127))
          return [UInt8(bitPattern: byte)]
        }
      }
    }

    /// Returns the output at `[n, y, x, K]` before it is rounded to a byte.
    private func expected(_ index: Int) -> Float {
      let (convolution, output) = (item.convolution, item.output)
      let (k, pixel) = (index % output.channels, index / output.channels)
      let (image, place) = (pixel / output.pixelCount, pixel % output.pixelCount)
      let (row, column) = (place / output.width, place % output.width)
      var sum = 0
      for i in 0..<convolution.kernel.height {
        for j in 0..<convolution.kernel.width {
          let y =
            row * convolution.stride.height - convolution.padding.before.height
            + i * convolution.dilation.height
          let x =
            column * convolution.stride.width - convolution.padding.before.width
            + j * convolution.dilation.width
          guard 0..<item.input.height ~= y, 0..<item.input.width ~= x else { continue }
          let from = ((image * item.input.height + y) * item.input.width + x) * item.input.channels
          for c in 0..<item.input.channels {
            let byte = source[from + c]
            let number = item.source == .u8 ? Int(byte) : Int(Int8(bitPattern: byte))
            let tap = i * convolution.kernel.width + j
            let taps = convolution.kernel.height * convolution.kernel.width
            sum +=
              (number - Int(item.zeroPoint))
              * Int(weight[(k * item.input.channels + c) * taps + tap])
          }
        }
      }
      var result = clip((Float(sum) + bias[k]) * scales[k], convolution.bounds)
      if convolution.addsResidual {
        result = result.addingProduct(residual(index), Self.residualScale)
      }
      if convolution.appliesReLU { result = max(result, 0) }
      return clip(result, convolution.sumBounds)
    }

    private func residual(_ index: Int) -> Float {
      guard item.destination == .fp32 else { return Float(Int8(bitPattern: residual[index])) }
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(residual[4 * index + $1]) << (8 * $1) }
      return Float(bitPattern: bits)
    }

    private func clip(_ number: Float, _ bounds: Bounds?) -> Float {
      guard let bounds else { return number }
      return min(max(number, bounds.lower), bounds.upper)
    }
  }
}
