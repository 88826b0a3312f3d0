import Engine
import Numbers
import ResNet
import Testing

/// Convolutions by the tiles of AMX, compared with sums in double precision.
@Suite(.enabled(if: Tiles.areAvailable, "the CPU has no AMX, or may not use it"))
struct TileKernelTests {
  typealias Case = TileGradientTests.Case

  static let cases: [Case] = [
    Case(channels: 32), Case(channels: 96, outputs: 48), Case(channels: 32, outputs: 80),
    Case(channels: 32, height: 4, width: 4), Case(channels: 32, padding: 0),
    Case(channels: 32, padding: 2), Case(channels: 32, stride: 2),
    Case(channels: 32, height: 8, width: 8, stride: 2),
    Case(channels: 32, height: 12, width: 10, stride: 2, padding: 0),
    Case(channels: 32, height: 12, width: 12, stride: 3, padding: 2),
    // Nothing is copied: less than a block, a block and a part, whole blocks.
    Case(images: 1, channels: 32, height: 5, width: 4, kernel: 1, padding: 0),
    Case(images: 1, channels: 64, outputs: 48, height: 6, width: 6, kernel: 1, padding: 0),
    Case(images: 2, channels: 64, outputs: 32, height: 8, width: 4, kernel: 1, padding: 0),
    Case(channels: 32, kernel: 1, stride: 2, padding: 0), Case(channels: 32, kernel: 1, padding: 1),
    Case(channels: 32, kernel: 5, padding: 2),
    Case(channels: 32, height: 12, width: 12, kernel: 7, stride: 2, padding: 3),
    // Several groups of images, of which the last is incomplete; several chunks of channels.
    Case(images: 5, channels: 64, outputs: 64, height: 40, width: 40),
    Case(images: 5, channels: 64, outputs: 32, height: 41, width: 39, stride: 2),
    Case(images: 1, channels: 288, outputs: 144, height: 7, width: 7),
    // More weights than stay in the cache.
    Case(images: 1, channels: 512, outputs: 288, height: 7, width: 7),
    // Few channels, of which whole lines are multiplied.
    Case(channels: 3, outputs: 64, height: 33, width: 34, kernel: 7, stride: 2, padding: 3),
    Case(channels: 3, outputs: 32, width: 32, padding: 1),
    Case(channels: 1, outputs: 96, height: 20, width: 21, kernel: 5, padding: 0),
    Case(channels: 4, outputs: 160, height: 5, width: 50, kernel: 2, stride: 3, padding: 2),
    Case(images: 2, channels: 10, outputs: 32, height: 1, width: 19, padding: 4),
    Case(images: 1, channels: 2, outputs: 64, height: 40, width: 64, kernel: 1, padding: 0),
  ]

  @Test("Outputs are those of sums in double precision", arguments: cases, [1, 3])
  func outputs(of item: Case, threads: Int) throws {
    for (addsResidual, appliesReLU, isClipped) in [
      (false, false, false), (true, false, false), (true, true, false), (true, false, true),
      (false, false, true),
    ] where !(addsResidual && item.hasFewChannels) {
      var convolution = item.convolution
      convolution.hasBias = true
      convolution.addsResidual = addsResidual
      convolution.appliesReLU = appliesReLU
      convolution.bounds = isClipped ? Bounds(-0.5, 0.75) : nil
      convolution.sumBounds = isClipped && addsResidual ? Bounds(-0.75, 0.5) : nil
      let layer = Layer(item, convolution)
      let outputs = try layer.run(threads: threads)
      let chosen = ReproducibleNumbers("chosen")
      for sample in 0..<300 {
        let index = Int(chosen.fraction(sample) * Float(outputs.count - 1))
        let expected = layer.expected(index)
        // Half a unit in the last place of bf16, and what single precision loses.
        #expect(
          abs(TileGradientTests.value(outputs[index]) - expected) <= max(1, abs(expected)) / 250,
          "\(index)")
      }
    }
  }

  @Test(
    "Outputs in integers are sums, scaled and rounded",
    arguments: [
      Case(channels: 64, outputs: 48), Case(channels: 64, stride: 2),
      Case(images: 1, channels: 320, outputs: 32, height: 6, width: 6, kernel: 1, padding: 0),
      Case(channels: 3, outputs: 96, height: 34, width: 37, kernel: 7, stride: 2, padding: 3),
      Case(images: 1, channels: 12, outputs: 32, height: 3, width: 40, kernel: 5, padding: 3),
    ], [(Number.u8, Number.u8), (.s8, .u8), (.u8, .s8)])
  func integers(of item: Case, numbers: (source: Number, destination: Number)) throws {
    for (addsResidual, isClipped) in [(false, false), (true, false), (false, true), (true, true)]
    where !(addsResidual && item.hasFewChannels) {
      var convolution = item.convolution
      convolution.hasBias = true
      convolution.addsResidual = addsResidual
      convolution.appliesReLU = addsResidual && !isClipped
      convolution.bounds = isClipped ? Bounds(-20, 30) : nil
      convolution.sumBounds = isClipped && addsResidual ? Bounds(-5, 40) : nil
      let residual: (Number, Float)? = addsResidual ? (.s8, 0.5) : nil
      let kernel = try #require(
        TileKernel(
          convolution,
          ConvolutionNumbers(
            source: numbers.source, destination: numbers.destination, residual: residual),
          batch: item.images, input: item.input, output: item.output, threads: 1))
      let layer = IntegerLayer(item, convolution, numbers.source)
      let outputs = try layer.run(kernel)
      let range: ClosedRange<Double> = numbers.destination == .u8 ? 0...255 : -128...127
      let chosen = ReproducibleNumbers("chosen")
      for sample in 0..<300 {
        let index = Int(chosen.fraction(sample) * Float(outputs.count - 1))
        let expected = min(max(layer.expected(index), range.lowerBound), range.upperBound)
        let output =
          numbers.destination == .u8
          ? Double(outputs[index]) : Double(Int8(bitPattern: outputs[index]))
        #expect(abs(output - expected) <= 0.501, "\(index)")
      }
    }
  }

  @Test("An image's outputs are the same in every batch")
  func batches() throws {
    for item in [
      Case(images: 3, channels: 64, outputs: 32, height: 7, width: 7), Self.cases[13],
      Case(images: 3, channels: 3, outputs: 64, width: 20),
    ] {
      let convolution = item.convolution
      let whole = Layer(item, convolution)
      let outputs = try whole.run(threads: 1)
      var alone = item
      alone.images = 1
      var lone = Layer(alone, convolution)
      let last = item.images - 1
      lone.source = Array(whole.source[(last * item.input.elementCount)...])
      #expect(
        try lone.run(threads: 1) == Array(outputs[(last * item.output.elementCount)...]))
    }
  }

  @Test("NaN stays in its image, and ReLU does not hide it")
  func notANumber() throws {
    var item = Case(images: 2, channels: 32)
    item.outputs = 16
    var convolution = item.convolution
    convolution.appliesReLU = true
    var layer = Layer(item, convolution)
    layer.source[0] = Float.nan.half
    let outputs = try layer.run(threads: 1).map(TileGradientTests.value)
    #expect(outputs[..<item.output.elementCount].contains { $0.isNaN })
    #expect(!outputs[item.output.elementCount...].contains { $0.isNaN })
  }

  @Test("A NaN beside a line of few channels reaches the windows that see it, or end before it")
  func narrowNotANumber() throws {
    let item = Case(images: 1, channels: 3, outputs: 32, height: 5, width: 24, padding: 0)
    var layer = Layer(item, item.convolution)
    layer.source[(2 * item.width + 12) * 3] = Float.nan.half
    let outputs = try layer.run(threads: 1).map(TileGradientTests.value)
    for index in outputs.indices {
      let column = index / item.outputs % item.output.width
      #expect(outputs[index].isNaN == (9...12 ~= column), "\(index)")
    }
  }

  @Test("What it cannot compute is left to others")
  func others() {
    let shape = FeatureShape(channels: 32, height: 8, width: 8)
    for change: (inout Convolution) -> Void in [
      { $0.groups = 2 }, { $0.dilation = Extent(2) }, { $0.stride = Extent(height: 2, width: 1) },
    ] {
      var convolution = Case(channels: 32, outputs: 32).convolution
      change(&convolution)
      #expect(
        TileKernel(convolution, .bf16, batch: 1, input: shape, output: shape, threads: 1) == nil)
    }
    let few = FeatureShape(channels: 16, height: 8, width: 8)
    #expect(
      TileKernel(Case().convolution, .bf16, batch: 1, input: few, output: shape, threads: 1) == nil)
  }

  @Test("Short lines, other counts of outputs and residuals are left to others if channels are few")
  func fewChannels() {
    for change: (inout Case) -> Void in [
      { $0.outputs = 48 }, { $0.width = 15 }, { $0.channels = 11 },
    ] {
      var item = Case(channels: 3, outputs: 32, width: 16)
      for isComputed in [true, false] {
        let kernel = TileKernel(
          item.convolution, .bf16, batch: 1, input: item.input, output: item.output, threads: 1)
        #expect((kernel != nil) == isComputed)
        change(&item)
      }
    }
    let item = Case(channels: 3, outputs: 32, width: 16)
    var convolution = item.convolution
    convolution.addsResidual = true
    let numbers = ConvolutionNumbers(source: .bf16, destination: .bf16, residual: (.bf16, 1))
    #expect(
      TileKernel(convolution, numbers, batch: 1, input: item.input, output: item.output, threads: 1)
        == nil)
  }

  /// A convolution with its numbers.
  struct Layer {
    let item: Case
    let convolution: Convolution
    var source: [UInt16]
    let residual: [UInt16]
    let parameters: LayerParameters

    init(_ item: Case, _ convolution: Convolution) {
      self.item = item
      self.convolution = convolution
      source = TileGradientTests.numbers("source", item.images * item.input.elementCount)
      residual = TileGradientTests.numbers("residual", item.images * item.output.elementCount)
      let taps = item.kernel * item.kernel
      parameters = LayerParameters(
        weight: TileGradientTests.numbers("weight", item.outputs * item.channels * taps)
          .map { Float(TileGradientTests.value($0)) },
        shape: [item.outputs, item.channels, item.kernel, item.kernel],
        bias: convolution.hasBias
          ? ReproducibleNumbers("bias").values(count: item.outputs, from: -1, to: 1) : nil)
    }

    func run(threads: Int) throws -> [UInt16] {
      let numbers = ConvolutionNumbers(
        source: .bf16, destination: .bf16,
        residual: convolution.addsResidual ? (.bf16, 1) : nil)
      let kernel = try #require(
        TileKernel(
          convolution, numbers, batch: item.images, input: item.input, output: item.output,
          threads: threads))
      let weights = try kernel.pack(parameters, for: "weights")
      return try kernel.result(
        of: source, weights,
        in: convolution.addsResidual
          ? residual : [UInt16](repeating: 0xffff, count: residual.count))
    }

    /// Returns the output at `[n, y, x, K]`.
    func expected(_ index: Int) -> Double {
      let k = index % item.outputs
      var sum = Double(parameters.bias?[k] ?? 0)
      item.forEachTap(of: index) { from, tap in
        for c in 0..<item.channels {
          let weight = parameters.weight[
            (k * item.channels + c) * item.kernel * item.kernel + tap]
          sum += TileGradientTests.value(source[from + c]) * Double(weight)
        }
      }
      let residual = TileGradientTests.value(residual[index])
      return convolution.finished(sum, residual: residual)
    }
  }

  /// A convolution on integers.
  struct IntegerLayer {
    let item: Case
    let convolution: Convolution
    let isUnsigned: Bool
    let source: [UInt8]
    let residual: [UInt8]
    let weight: [Int8]
    let bias: [Float]
    let scales: [Float]

    init(_ item: Case, _ convolution: Convolution, _ source: Number) {
      self.item = item
      self.convolution = convolution
      isUnsigned = source == .u8
      self.source = Self.bytes("source", item.images * item.input.elementCount)
      residual = Self.bytes("residual", item.images * item.output.elementCount)
      weight = Self.bytes("weight", item.outputs * item.channels * item.kernel * item.kernel)
        .map { max(Int8(bitPattern: $0), -127) }
      bias = ReproducibleNumbers("bias").values(count: item.outputs, from: -5000, to: 5000)
      let largest = 1 / Float(item.channels * item.kernel * item.kernel) / 20
      scales = ReproducibleNumbers("scales").values(count: item.outputs, from: 0, to: largest)
    }

    private static func bytes(_ name: String, _ count: Int) -> [UInt8] {
      ReproducibleNumbers(name).values(count: count, from: 0, to: 255.99).map { UInt8($0) }
    }

    func run(_ kernel: TileKernel) throws -> [UInt8] {
      let weights = try kernel.pack(
        weight, shape: [item.outputs, item.channels, item.kernel, item.kernel], bias: bias,
        scales: scales, for: "weights")
      return try kernel.result(of: source, weights, in: residual)
    }

    func expected(_ index: Int) -> Double {
      let k = index % item.outputs
      var sum = 0
      item.forEachTap(of: index) { from, tap in
        for c in 0..<item.channels {
          let byte = source[from + c]
          let number = isUnsigned ? Int(byte) : Int(Int8(bitPattern: byte))
          sum += number * Int(weight[(k * item.channels + c) * item.kernel * item.kernel + tap])
        }
      }
      let result = (Double(sum) + Double(bias[k])) * Double(scales[k])
      return convolution.finished(
        result, residual: 0.5 * Double(Int8(bitPattern: residual[index])))
    }
  }
}

extension TileGradientTests.Case {
  /// Whether the kernels multiply whole lines of a window.
  fileprivate var hasFewChannels: Bool { channels <= 12 }

  /// Calls `body` with the index of the first channel that each tap reads for an output at
  /// `[n, y, x, K]`, and with the tap.
  fileprivate func forEachTap(of index: Int, _ body: (Int, Int) -> Void) {
    let (pixel, size) = (index / outputs, output.height * output.width)
    let (image, row, column) = (pixel / size, pixel % size / output.width, pixel % output.width)
    for tap in 0..<(kernel * kernel) {
      let y = row * stride + tap / kernel - padding
      let x = column * stride + tap % kernel - padding
      guard 0..<height ~= y, 0..<width ~= x else { continue }
      body(((image * height + y) * width + x) * channels, tap)
    }
  }
}

extension Convolution {
  /// Returns the result of a sum with its bias.
  fileprivate func finished(_ sum: Double, residual: Double) -> Double {
    var result = clip(sum, bounds)
    if addsResidual { result = clip(result + residual, sumBounds) }
    return appliesReLU ? max(result, 0) : result
  }

  private func clip(_ number: Double, _ bounds: Bounds?) -> Double {
    guard let bounds else { return number }
    return min(max(number, Double(bounds.lower)), Double(bounds.upper))
  }
}

extension TileKernel {
  /// Runs on arrays as large as the shapes say, the second of which is the destination as it is
  /// before.
  fileprivate func result<Element: BitwiseCopyable>(
    of source: [Element], _ weights: AlignedMemory, in destination: [Element]
  ) throws -> [Element] {
    let scratch = try AlignedMemory(byteCount: scratchpadByteCount, for: "scratch memory")
    // What is in memory before must not matter: these are NaN in bf16.
    unsafe scratch.base.initializeMemory(
      as: UInt8.self, repeating: 0xff, count: scratchpadByteCount)
    var (source, destination) = (source, destination)
    // SAFETY: all memory is as large as the shapes say.
    withExtendedLifetime((weights, scratch)) {
      unsafe run(
        source: &source, weights: weights.base, destination: &destination,
        scratchpad: scratch.base)
    }
    return destination
  }
}

extension ConvolutionNumbers {
  fileprivate static var bf16: Self { Self(source: .bf16, destination: .bf16) }
}

extension Float {
  fileprivate var half: UInt16 { UInt16(bitPattern >> 16) }
}
