import Engine
import Numbers
import ResNet
import Testing

/// The gradient of filters by the tiles of AMX, compared with sums in double precision.
@Suite(.enabled(if: Tiles.areAvailable, "the CPU has no AMX, or may not use it"))
struct TileGradientTests {
  struct Case: CustomTestStringConvertible {
    var images = 3
    var channels = 16
    var outputs = 16
    var height = 9
    var width = 7
    var kernel = 3
    var stride = 1
    var padding = 1

    var testDescription: String {
      "\(images) x \(channels) to \(outputs), \(height)x\(width), \(kernel)x\(kernel), "
        + "stride \(stride), padding \(padding)"
    }

    var convolution: Convolution {
      var convolution = Convolution(outputChannels: outputs, kernel: Extent(kernel))
      convolution.stride = Extent(stride)
      convolution.padding = Padding(padding)
      return convolution
    }

    var input: FeatureShape { FeatureShape(channels: channels, height: height, width: width) }

    var output: FeatureShape {
      FeatureShape(
        channels: outputs, height: (height + 2 * padding - kernel) / stride + 1,
        width: (width + 2 * padding - kernel) / stride + 1)
    }
  }

  static let cases: [Case] = [
    Case(), Case(channels: 48, outputs: 32), Case(channels: 32, outputs: 48),
    Case(outputs: 80, height: 1, width: 1), Case(height: 4, width: 4), Case(padding: 0),
    Case(padding: 2), Case(stride: 2), Case(height: 8, width: 8, stride: 2),
    Case(height: 8, width: 6, stride: 2, padding: 0), Case(stride: 3, padding: 2),
    Case(kernel: 1, padding: 0), Case(kernel: 1, stride: 2, padding: 0),
    Case(kernel: 1, padding: 1), Case(kernel: 5, padding: 2),
    Case(height: 12, width: 12, kernel: 7, stride: 2, padding: 3),
    // Several chunks of pixels, and groups of images of which the last is incomplete.
    Case(images: 5, channels: 64, outputs: 64, height: 40, width: 40),
    Case(images: 5, channels: 64, outputs: 32, height: 41, width: 39, stride: 2),
    Case(images: 1, channels: 256, outputs: 144, height: 7, width: 7),
  ]

  @Test("Gradients are those of sums in double precision", arguments: cases)
  func gradient(of item: Case) throws {
    let (input, output) = (item.input, item.output)
    let kernel = try #require(
      TileGradient(item.convolution, batch: item.images, input: input, output: output))
    let source = Self.numbers("source", item.images * input.elementCount)
    let gradient = Self.numbers("gradient", item.images * output.elementCount)
    let taps = item.kernel * item.kernel
    var filters = [Float](repeating: .nan, count: taps * item.channels * item.outputs)
    let scratch = try AlignedMemory(byteCount: kernel.scratchpadByteCount, for: "scratch memory")
    // What is in memory before must not matter: these are NaN in bf16.
    unsafe scratch.base.initializeMemory(
      as: UInt8.self, repeating: 0xff, count: kernel.scratchpadByteCount)
    // SAFETY: all memory is as large as the shapes say.
    withExtendedLifetime(scratch) {
      unsafe kernel.run(
        source: source, gradient: gradient, filters: &filters, scratchpad: scratch.base)
    }
    #expect(filters.allSatisfy { $0.isFinite })
    let chosen = ReproducibleNumbers("chosen")
    for sample in 0..<200 {
      let index = Int(chosen.fraction(sample) * Float(filters.count - 1))
      let expected = Self.expected(item, index, source, gradient)
      #expect(
        abs(Double(filters[index]) - expected) <= 1e-5 * max(1, abs(expected)), "\(index)")
    }
  }

  @Test("What it cannot compute is left to others")
  func others() {
    let shape = FeatureShape(channels: 16, height: 8, width: 8)
    for change: (inout Convolution) -> Void in [
      { $0.groups = 2 }, { $0.dilation = Extent(2) }, { $0.hasBias = true },
      { $0.stride = Extent(height: 2, width: 1) },
    ] {
      var convolution = Case().convolution
      change(&convolution)
      #expect(TileGradient(convolution, batch: 1, input: shape, output: shape) == nil)
    }
    let few = FeatureShape(channels: 3, height: 8, width: 8)
    #expect(TileGradient(Case().convolution, batch: 1, input: few, output: shape) == nil)
  }

  static func numbers(_ name: String, _ count: Int) -> [UInt16] {
    ReproducibleNumbers(name).values(count: count, from: -0.5, to: 0.5).map {
      UInt16($0.bitPattern >> 16)
    }
  }

  static func value(_ half: UInt16) -> Double {
    Double(Float(bitPattern: UInt32(half) << 16))
  }

  /// Returns the gradient of the filter at `[row][column][C][K]`.
  private static func expected(
    _ item: Case, _ index: Int, _ source: [UInt16], _ gradient: [UInt16]
  ) -> Double {
    let (k, c) = (index % item.outputs, index / item.outputs % item.channels)
    let tap = index / item.outputs / item.channels
    let output = item.output
    var sum = 0.0
    for image in 0..<item.images {
      for row in 0..<output.height {
        let y = row * item.stride + tap / item.kernel - item.padding
        guard 0..<item.height ~= y else { continue }
        for column in 0..<output.width {
          let x = column * item.stride + tap % item.kernel - item.padding
          guard 0..<item.width ~= x else { continue }
          let from = ((image * item.height + y) * item.width + x) * item.channels + c
          let to = ((image * output.height + row) * output.width + column) * item.outputs + k
          sum += value(source[from]) * value(gradient[to])
        }
      }
    }
    return sum
  }
}
