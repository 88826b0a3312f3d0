import Engine
import Numbers
import ResNet
import Testing

/// Networks that take pixels as they compute with them, compared with the same that take planes.
@Suite struct InputEncodingTests {
  private struct Network {
    let graph: Graph
    let weights: Weights
    let planes: [Float]
    let calibration: Calibration

    init() throws {
      graph = try Graph(#require(Architecture.cifar(depth: 8)))
      weights = try Weights.random(for: graph)
      let image = ReproducibleNumbers("planes").values(count: 3 * 32 * 32, from: -2, to: 2)
      planes = image
      let calibrator = try Calibrator(graph, weights)
      try calibrator.measure(image.span)
      calibration = Calibration(method: "test", ranges: calibrator.ranges(percentile: 100))
    }

    func context(_ precision: Precision, _ order: InputOrder) throws -> ExecutionContext {
      var options = CompilationOptions()
      options.batchSizes = [1, 2]
      options.precision = precision
      options.calibration = calibration
      options.input = order
      return try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    }
  }

  /// Returns the image three times in a network's encoding.
  private func encoded(_ planes: [Float], _ encoding: InputEncoding) -> [UInt8] {
    let pixels = planes.indices.map { planes[$0 % 3 * (planes.count / 3) + $0 / 3] }
    let image = pixels.flatMap { value -> [UInt8] in
      let bits = value.bitPattern
      switch encoding {
      case .planes: return []
      case .fp32: return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
      case .bf16:
        let half = (bits + 0x7fff + (bits >> 16 & 1)) >> 16
        return [UInt8(truncatingIfNeeded: half), UInt8(truncatingIfNeeded: half >> 8)]
      case .s8(let scale, let zeroPoint):
        let number = (value / scale).rounded(.toNearestOrEven) + Float(zeroPoint)
        return [UInt8(bitPattern: Int8(max(-128, min(127, number))))]
      }
    }
    return image + image + image
  }

  @Test(
    "Pixels give the logits that planes give, in every precision",
    arguments: Precision.allCases)
  func pixels(precision: Precision) throws {
    guard try runs(in: precision) else { return }
    let network = try Network()
    let reference = try network.context(precision, .planes)
      .logits(of: network.planes + network.planes + network.planes, count: 3)
    let context = try network.context(precision, .pixels)
    let input = encoded(network.planes, context.network.inputEncoding)
    #expect(input.count == 3 * context.network.inputByteCount)
    var logits = [Float](repeating: .nan, count: reference.count)
    var span = logits.mutableSpan
    try context.run(imageCount: 3, input: unsafe input.span.bytes, logits: &span)
    #expect(logits == reference)
    // The first layer takes pixels as they are if it has the instructions; else they are reordered
    // once.
    let takesPixels = InstructionLevel.used >= .avx512 && precision.isNative
    let reorders = context.network.steps(batch: 1).filter { $0.name == "conv1 (reorder)" }
    #expect(reorders.count <= (takesPixels ? 0 : 1))
  }
}
