import Engine
import Numbers
import ResNet
import Testing

/// Maxima of windows by our own kernels, compared with a plain loop and with oneDNN's primitive.
@Suite struct MaximumKernelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var images = 2
    var channels = 64
    var height = 9
    var width = 8
    var window = Extent(3)
    var stride = Extent(2)
    var padding = Padding(1)
    /// 0 means all.
    var channelBlock = 0
    var threads = 1

    var pooling: Pooling { Pooling(window: window, stride: stride, padding: padding) }
    var input: FeatureShape { FeatureShape(channels: channels, height: height, width: width) }
    var testDescription: String {
      "\(channels)x\(height)x\(width), \(window), \(stride), \(channelBlock), \(threads)"
    }

    func output() throws -> FeatureShape {
      var graph = Graph(input: input)
      graph.append("maximum", .maxPool(pooling), 0)
      return try graph.shapes()[1]
    }
  }

  static let lopsided = Padding(
    before: Extent(height: 0, width: 2), after: Extent(height: 2, width: 1))

  static let cases: [Case] = [
    Case(), Case(threads: 3), Case(images: 1, height: 1, width: 1, threads: 4),
    // Vectors of which the last takes channels again; one, two and four at once.
    Case(channels: 65), Case(channels: 100), Case(channels: 127), Case(channels: 200),
    Case(channels: 448, height: 5),
    // Windows that share a column, more of them or none.
    Case(window: Extent(2), padding: Padding(0)), Case(stride: Extent(1)),
    Case(window: Extent(height: 2, width: 4), stride: Extent(height: 1, width: 3)),
    Case(window: Extent(1), stride: Extent(3), padding: Padding(0)),
    Case(padding: lopsided), Case(height: 11, width: 7, padding: Padding(2)),
    Case(height: 13, width: 15, window: Extent(7), padding: Padding(6), threads: 2),
    Case(height: 4, width: 3, window: Extent(height: 9, width: 6), padding: Padding(5)),
    Case(channels: 40, channelBlock: 16), Case(channels: 24, channelBlock: 8),
  ]

  @Test("Maxima are those of a plain loop, to the bit", arguments: cases)
  func numbers(of item: Case) throws {
    let output = try item.output()
    for number in [Number.fp32, .bf16, .u8, .s8] {
      for instructions in KernelInstructions.available {
        guard
          let kernel = MaximumKernel(
            item.pooling, number, batch: item.images, input: item.input, output: output,
            channelBlock: item.channelBlock, threads: item.threads, instructions: instructions)
        else { continue }
        let plain = PlainMaximum(item, output, number)
        #expect(plain.run(kernel) == plain.expected, "\(number), \(instructions)")
      }
    }
  }

  @Test("Pixels of fewer channels than a vector has numbers are left to oneDNN")
  func fewChannels() throws {
    for instructions in KernelInstructions.available {
      var isComputed: [Bool] = []
      for channels in [4, 16, 64] {
        let item = Case(channels: channels)
        isComputed.append(
          try MaximumKernel(
            item.pooling, .u8, batch: 1, input: item.input, output: item.output(), channelBlock: 0,
            threads: 1, instructions: instructions) != nil)
      }
      #expect(isComputed == [false, false, instructions != .portable])
    }
  }

  /// Graph whose output is the maxima of its input, in the input's order of numbers.
  private static func network(_ item: Case) -> Graph {
    var graph = Graph(input: item.input)
    graph.append("maximum", .maxPool(item.pooling), 0)
    return graph
  }

  private static func outputs(
    _ item: Case, _ precision: Precision, _ instructions: KernelInstructions, of input: [UInt8]
  ) throws -> (outputs: [Float], implementation: String) {
    let graph = network(item)
    var options = CompilationOptions()
    options.batchSizes = [item.images]
    options.precision = precision
    options.calibration = Calibration(method: "test", ranges: ["input": 127, "maximum": 127])
    options.input = .pixels
    options.threads = item.threads
    options.kernelInstructions = instructions
    let network = try CompiledNetwork(graph, .random(for: graph), options: options)
    let step = try #require(network.steps(batch: item.images).first { $0.name == "maximum" })
    var outputs = [Float](repeating: 0, count: item.images * network.outputCount)
    var span = outputs.mutableSpan
    try #require(input.count == item.images * network.inputByteCount)
    try ExecutionContext(network).run(
      imageCount: item.images, input: unsafe input.span.bytes, logits: &span)
    return (outputs, step.implementation)
  }

  @Test(
    "A network has the maxima that it has by oneDNN's primitive", arguments: cases,
    Precision.allCases)
  func primitive(item: Case, precision: Precision) throws {
    guard precision.isSupported else { return }
    // Numbers with one bit set or more in the exponent, none of them zero.
    let numbers = ReproducibleNumbers("numbers").values(
      count: item.images * item.input.elementCount, from: -100, to: 100)
    let input = numbers.flatMap { Self.bytes($0 == 0 ? 1 : $0, precision) }
    let expected = try Self.outputs(item, precision, .portable, of: input)
    #expect(!expected.implementation.hasPrefix("maximum"))
    for instructions in KernelInstructions.available where instructions != .portable {
      let found = try Self.outputs(item, precision, instructions, of: input)
      #expect(found.outputs == expected.outputs, "\(instructions)")
      if item.channels >= 64 { #expect(found.implementation == "maximum:\(instructions)") }
    }
  }

  private static func bytes(_ value: Float, _ precision: Precision) -> [UInt8] {
    let bits = value.bitPattern
    return switch precision {
    case .fp32: (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    case .bf16: [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24)]
    case .int8: [UInt8(bitPattern: Int8(value))]
    }
  }

  @Test("A NaN of either sign is the maximum of its windows alone, infinities are numbers")
  func specialNumbers() throws {
    let item = Case(images: 1, height: 6, width: 6, stride: Extent(3), padding: Padding(0))
    for instructions in KernelInstructions.available where instructions != .portable {
      for precision in [Precision.fp32, .bf16] where precision.isSupported {
        for number in [Float.nan, -Float.nan, .infinity, -.infinity] {
          // All of the first window's numbers of channel 0, or only the last.
          for isWhole in [false, true] {
            var input = [Float](repeating: -3, count: item.input.elementCount)
            for row in 0..<3 {
              for column in 0..<3 where isWhole || row + column == 4 {
                input[(row * 6 + column) * item.channels] = number
              }
            }
            let outputs = try Self.outputs(
              item, precision, instructions, of: input.flatMap { Self.bytes($0, precision) }
            ).outputs
            let first = outputs[0]
            #expect(
              number.isNaN
                ? first.isNaN : first == (number > 0 || isWhole ? number : -3), "\(instructions)")
            #expect(outputs.dropFirst().allSatisfy { $0 == -3 })
          }
        }
      }
    }
  }
}

/// Maxima of one case by comparing one number after the other.
private struct PlainMaximum {
  let item: MaximumKernelTests.Case
  let output: FeatureShape
  let number: Number
  /// Bytes of any numbers that are not NaN.
  let source: [UInt8]

  private var channels: Int { item.channelBlock == 0 ? item.channels : item.channelBlock }
  private var maps: Int { item.images * ((item.channels + channels - 1) / channels) }

  init(_ item: MaximumKernelTests.Case, _ output: FeatureShape, _ number: Number) {
    self.item = item
    self.output = output
    self.number = number
    let block = item.channelBlock == 0 ? item.channels : item.channelBlock
    let count =
      item.images * ((item.channels + block - 1) / block) * block * item.height * item.width
    let numbers = ReproducibleNumbers("source \(number)")
    source = (0..<count).flatMap { index -> [UInt8] in
      let value = numbers.fraction(index) * 200 - 100
      // Zeros of both signs, infinities, and numbers less than the least normal ones.
      let small = Float.leastNormalMagnitude / 8
      let special: [Float] = [0, -0.0, .infinity, -.infinity, small, -small]
      let choice = Int(numbers.fraction(count + index) * 40)
      let bits = (choice < special.count ? special[choice] : value).bitPattern
      return switch number {
      case .fp32: (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
      case .bf16: [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 24)]
      case .u8, .s8: [UInt8(bitPattern: Int8(value))]
      }
    }
  }

  /// Returns a number's bytes as an integer, and where that stands among those of other numbers.
  private func number(_ index: Int) -> (bits: UInt32, rank: Int64) {
    let size = number.byteCount
    let bits = (0..<size).reduce(UInt32(0)) { $0 | UInt32(source[index * size + $1]) << (8 * $1) }
    switch number {
    case .u8: return (bits, Int64(bits))
    case .s8: return (bits, Int64(Int8(truncatingIfNeeded: bits)))
    case .fp32, .bf16:
      let sign = UInt32(1) << UInt32(8 * size - 1)
      return (bits, bits & sign == 0 ? Int64(bits) : -1 - Int64(bits & ~sign))
    }
  }

  private func expected(_ index: Int) -> UInt32 {
    let (channel, pixel) = (index % channels, index / channels)
    let (column, line) = (pixel % output.width, pixel / output.width)
    let (row, map) = (line % output.height, line / output.height)
    let (top, left) = (
      row * item.stride.height - item.padding.before.height,
      column * item.stride.width - item.padding.before.width
    )
    var best: (bits: UInt32, rank: Int64)?
    for y in max(top, 0)..<min(top + item.window.height, item.height) {
      for x in max(left, 0)..<min(left + item.window.width, item.width) {
        let found = number(((map * item.height + y) * item.width + x) * channels + channel)
        if best.map({ found.rank > $0.rank }) ?? true { best = found }
      }
    }
    return best?.bits ?? 0
  }

  var expected: [UInt8] {
    (0..<maps * output.height * output.width * channels).flatMap { index in
      let bits = expected(index)
      return (0..<number.byteCount).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }
  }

  func run(_ kernel: MaximumKernel) -> [UInt8] {
    let count = maps * output.height * output.width * channels * number.byteCount
    var result = [UInt8](repeating: 0x5A, count: count)
    unsafe source.withUnsafeBytes { source in
      unsafe result.withUnsafeMutableBytes { result in
        guard let from = source.baseAddress, let to = result.baseAddress else { return }
        unsafe kernel.run(source: from, destination: to)
      }
    }
    return result
  }
}
