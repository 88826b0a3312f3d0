package import ResNet

/// Estimate of the bytes that a compiled network will take, by its shapes alone.
///
/// The overheads are fitted to the resident memory of servers: chains of up to 16,000 sigmoids took
/// 5 KB a step, and DenseNet-121, whose convolutions nearly all differ from each other, must not be
/// estimated too low.
package struct CompilationEstimate {
  /// Bytes of the packed weights, all layers together.
  package private(set) var weightByteCount = 0
  /// Bytes of activations and scratch memory, for each context.
  package private(set) var contextByteCount = 0
  /// Bytes of the steps and primitives of all batch sizes.
  package private(set) var stepByteCount = 0

  /// Bytes of one step with its primitive, however small the layer.
  private static let stepOverhead = 7 << 10
  /// Bytes of the program for convolutions of one kind, which oneDNN makes once.
  private static let programOverhead = 80 << 10
  /// Bytes of scratch memory, even for a small network.
  private static let contextOverhead = 1 << 18

  /// - Parameters:
  ///   - batchSizes: Batch sizes as in `CompilationOptions`.
  ///   - hasTeam: Whether a lone image may run on several threads.
  package init(
    _ graph: Graph, precision: Precision, batchSizes: [Int], hasTeam: Bool
  ) throws(GraphError) {
    let graph = graph.foldingBatchNormalization().fusingActivations()
    let shapes = try graph.shapes()
    let largestBatch = batchSizes.max() ?? 1
    let elementByteCount = Self.elementByteCount(precision)
    let integerInstructions = precision == .int8 ? IntegerKernel.Instructions.usual : nil
    let usesOwnIntegerLayers = integerInstructions == .avx2
    // Bytes that are multiplied as 16-bit integers are packed as these.
    let weightByteCountEach = usesOwnIntegerLayers ? MemoryLayout<Int16>.stride : elementByteCount
    // Between them there are numbers in fp32, too.
    var hasFloatConvolutions = false
    var kinds: Set<Kind> = []
    var scratchByteCount = 0
    func countScratch(_ convolution: Convolution, _ input: FeatureShape, _ output: FeatureShape) {
      guard let integerInstructions else { return }
      let byteCount = IntegerKernel.scratchpadByteCount(
        convolution, on: integerInstructions, batch: largestBatch, input: input, output: output)
      scratchByteCount = max(scratchByteCount, byteCount)
    }
    for (id, node) in graph.nodes.enumerated() {
      let input = node.inputs.first.map { shapes[$0] } ?? shapes[0]
      switch node.operation {
      case .convolution(var convolution):
        countScratch(convolution, input, shapes[id])
        let filterCount =
          convolution.groups == 1
          ? Self.padded(convolution.outputChannels) * Self.padded(input.channels)
          : convolution.outputChannels * (input.channels / convolution.groups)
        if WinogradTable.pays(
          convolution, input: input, largestBatch: largestBatch, precision: precision)
        {
          weightByteCount +=
            filterCount * WinogradKernel.transformedCount * MemoryLayout<Float>.stride
        } else if let integerInstructions,
          IntegerTable.winogradPays(
            convolution, input: input, largestBatch: largestBatch, on: integerInstructions)
        {
          weightByteCount +=
            filterCount * WinogradKernel.transformedCount * MemoryLayout<Int16>.stride
        } else {
          let kernel = convolution.kernel
          let isFloat = usesOwnIntegerLayers && !IntegerKernel.computes(convolution)
          hasFloatConvolutions = hasFloatConvolutions || isFloat
          weightByteCount +=
            filterCount * kernel.height * kernel.width
            * (isFloat ? MemoryLayout<Float>.stride : weightByteCountEach)
          convolution.foldedNormalization = nil
          kinds.insert(Kind(operation: .convolution(convolution), input: input))
        }
      case .linear(let linear):
        countScratch(linear.convolution(over: input), input, linear.convolutionOutput)
        weightByteCount += linear.outputs * input.elementCount * weightByteCountEach
      // Those that were not folded into a convolution become one.
      case .batchNormalization, .pad, .paddedShortcut:
        kinds.insert(Kind(operation: node.operation, input: input))
      default: break
      }
    }
    contextByteCount =
      Self.contextOverhead + scratchByteCount
      + Self.activationCount(graph, shapes, batch: largestBatch)
      * (hasFloatConvolutions ? MemoryLayout<Float>.stride : elementByteCount)
    stepByteCount =
      (graph.nodes.count * Self.stepOverhead + kinds.count * Self.programOverhead)
      * (batchSizes.count + (hasTeam ? 1 : 0))
  }

  private struct Kind: Hashable {
    var operation: Operation
    var input: FeatureShape
  }

  /// Counts the numbers in a context's arena: of feature maps, each kept until its last reader has
  /// run, and of one more as large as the largest, for another layout and for scratch memory.
  private static func activationCount(
    _ graph: Graph, _ shapes: [FeatureShape], batch: Int
  ) -> Int {
    // The input stays as preprocessing writes it.
    let sizes = shapes.enumerated().map { id, shape in
      id == 0 ? shape.elementCount : Self.padded(shape.channels) * shape.pixelCount
    }
    let boundary = batch > 1 ? SectionBoundary.node(in: graph, shapes) : nil
    let lastReaders = graph.lastReaders()
    var alive = 0
    var single = 0
    var batched = 0
    for (id, node) in graph.nodes.enumerated() {
      alive += sizes[id]
      let needed = alive + (node.inputs.map { sizes[$0] }.max() ?? 0)
      if let boundary, id <= boundary {
        single = max(single, needed)
      } else {
        batched = max(batched, needed)
      }
      for input in Set(node.inputs + [id]) where lastReaders[input] == id { alive -= sizes[input] }
    }
    guard let boundary else { return batched * batch }
    // Before the boundary, images run one by one, from a whole batch into a whole batch.
    return max(single + (sizes[0] + sizes[boundary]) * batch, batched * batch)
  }

  /// Returns a count of channels rounded up to the blocks that oneDNN lays them out in.
  private static func padded(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

  /// Returns the bytes of one weight or activation.
  private static func elementByteCount(_ precision: Precision) -> Int {
    switch precision {
    case .fp32: 4
    case .bf16: 2
    case .int8: 1
    }
  }
}
