import Engine
import Numbers
import ResNet
import Testing

/// Gradients of filters by our own kernels compared with sums in double precision, for every
/// instruction set that this CPU has.
@Suite struct WinogradGradientTests {
  /// Tolerance, relative to the largest gradient.
  static let tolerance = 2e-5

  @Test(
    "The networks' convolutions give the reference's gradients, in one pass and in several",
    arguments: [(64, 28, 3), (128, 14, 5), (16, 32, 3), (32, 16, 9), (64, 8, 32), (256, 4, 2)])
  func networkShapes(channels: Int, size: Int, images: Int) throws {
    let shape = FeatureShape(channels: channels, height: size, width: size)
    try Case(shape, outputChannels: channels, padding: Extent(1), images: images).expectReference()
  }

  @Test("Odd sizes, channels and paddings too", arguments: 0..<40)
  func randomShapes(seed: Int) throws {
    var dice = Dice("winograd gradient \(seed)")
    let shape = FeatureShape(
      channels: dice.pick([16, 32, 48, 80]), height: dice.pick([1, 2, 3, 4, 5, 6, 7, 9, 13, 17]),
      width: dice.pick([1, 2, 3, 4, 5, 6, 8, 11, 14, 19]))
    let padding = Extent(
      height: shape.height < 3 ? 1 : dice.pick([0, 1, 2]),
      width: shape.width < 3 ? 1 : dice.pick([0, 1, 2]))
    try Case(
      shape, outputChannels: dice.pick([16, 32, 48, 64, 112]), padding: padding,
      images: dice.pick([1, 2, 5])
    ).expectReference()
  }

  private struct Case {
    let convolution: Convolution
    let input: FeatureShape
    let images: Int
    /// `[N, H, W, C]`.
    let source: [Float]
    /// `[N, H, W, K]`.
    let gradient: [Float]
    let height: Int
    let width: Int

    init(_ input: FeatureShape, outputChannels: Int, padding: Extent, images: Int) throws {
      var convolution = Convolution(outputChannels: outputChannels, kernel: Extent(3))
      convolution.padding = Padding(padding)
      self.convolution = convolution
      self.input = input
      self.images = images
      height = input.height + 2 * padding.height - 2
      width = input.width + 2 * padding.width - 2
      source = ReproducibleNumbers("source").values(
        count: images * input.elementCount, from: -0.5, to: 1.5)
      gradient = ReproducibleNumbers("gradient").values(
        count: images * height * width * outputChannels, from: -0.01, to: 0.01)
    }

    func expectReference(sourceLocation: SourceLocation = #_sourceLocation) throws {
      let expected = expected
      let largest = expected.map(abs).max() ?? 0
      for instructions in KernelInstructions.available {
        let computed = try computed(instructions)
        let error = zip(computed, expected).map { abs(Double($0) - $1) }.max() ?? .nan
        #expect(
          error <= WinogradGradientTests.tolerance * largest, "\(instructions): off by \(error)",
          sourceLocation: sourceLocation)
        // What is in memory before does not matter.
        #expect(try self.computed(instructions) == computed, sourceLocation: sourceLocation)
      }
    }

    private func memory(_ numbers: [Float]) throws -> AlignedMemory {
      let memory = try AlignedMemory(
        byteCount: numbers.count * MemoryLayout<Float>.stride, for: "test")
      for (index, number) in numbers.enumerated() {
        // SAFETY: the memory has the room, and nothing but numbers of this type is stored in it.
        unsafe memory.base.assumingMemoryBound(to: Float.self)[index] = number
      }
      return memory
    }

    /// Returns `[3][3][C][K]`.
    private func computed(_ instructions: KernelInstructions) throws -> [Float] {
      let kernel = WinogradKernel(
        convolution, batch: images, input: input, channelsLast: true, number: .fp32, threads: 1,
        instructions: instructions)
      let count = 9 * input.channels * convolution.outputChannels
      let (source, gradient) = (try memory(source), try memory(gradient))
      let filters = try memory([Float](repeating: .nan, count: count))
      let scratch = try memory(
        [Float](repeating: .nan, count: kernel.gradientScratchpadByteCount / 4))
      // SAFETY: all memory is as large as the shapes say and lives until the end.
      return withExtendedLifetime((source, gradient, filters, scratch)) {
        let target = unsafe filters.base.assumingMemoryBound(to: Float.self)
        unsafe kernel.passToFilters(
          source: source.base.assumingMemoryBound(to: Float.self),
          gradient: gradient.base.assumingMemoryBound(to: Float.self), filters: target,
          scratchpad: scratch.base)
        return unsafe Array(UnsafeBufferPointer(start: target, count: count))
      }
    }

    private var expected: [Double] {
      let (channels, outputs) = (input.channels, convolution.outputChannels)
      let padding = convolution.padding.before
      let (source, gradient) = (source.map(Double.init), gradient.map(Double.init))
      var sums = [Double](repeating: 0, count: 9 * channels * outputs)
      for tap in 0..<9 {
        for image in 0..<images {
          for row in 0..<height {
            let y = row + tap / 3 - padding.height
            guard 0..<input.height ~= y else { continue }
            for column in 0..<width {
              let x = column + tap % 3 - padding.width
              guard 0..<input.width ~= x else { continue }
              let from = ((image * input.height + y) * input.width + x) * channels
              let to = ((image * height + row) * width + column) * outputs
              for channel in 0..<channels {
                let value = source[from + channel]
                let place = (tap * channels + channel) * outputs
                for output in 0..<outputs { sums[place + output] += value * gradient[to + output] }
              }
            }
          }
        }
      }
      return sums
    }
  }
}
