import COneDNN
import Engine
import ResNet

/// Shape of a convolution's work on one shard; equal ones share their primitives.
struct ConvolutionShape: Hashable {
  var convolution: Convolution
  var images: Int
  /// Images of the largest batch, for all of which filters are packed once.
  var batch: Int
  var input: FeatureShape
  var output: FeatureShape
  /// Whether the gradient of its source is wanted.
  var passesBack: Bool
  /// Whether our own kernels may compute it where they are faster.
  var usesWinograd: Bool
  /// Type of source, destination and their gradients.
  var number: Number
  /// Whether the destination, but not its gradient, is fp32 in any case.
  var givesLogits: Bool
}

/// Primitives of a convolution on one shard, activations with the channels last.
///
/// The parameters are fp32 and lie in the layout of their gradient, `[3][3][C][K]` where our own
/// kernels compute it; the other passes get copies where they want another one, or bf16.
final class ConvolutionPasses {
  enum Pass {
    case primitive(Primitive)
    case widened(WidenedPass)
    case winograd(WinogradKernel)
    /// Only to weights.
    case tiles(TileGradient)

    var scratchByteCount: Int {
      switch self {
      case .primitive(let primitive): primitive.byteCount(of: ONEDNN_SCRATCHPAD)
      case .widened(let pass): pass.scratchByteCount
      case .winograd(let kernel): kernel.scratchpadByteCount
      case .tiles(let kernel): kernel.scratchpadByteCount
      }
    }

    /// Bytes of the weights as the pass reads them.
    var weightByteCount: Int {
      switch self {
      case .primitive(let primitive): primitive.byteCount(of: ONEDNN_WEIGHTS)
      case .widened(let pass): pass.primitive.byteCount(of: ONEDNN_WEIGHTS)
      case .winograd(let kernel): kernel.weightByteCount
      case .tiles: 0
      }
    }
  }

  let forward: Pass
  let toSource: Pass?
  let toWeights: Pass
  /// Layout of the parameters and of their gradient.
  let layout: Layout
  /// The parameters' layout in files, and reorders from and to it.
  let rowMajor: Layout
  let fromFile: Primitive
  let toFile: Primitive
  /// Reorders into copies for passes; nil where none is needed.
  let packForward: Primitive?
  let packToSource: Primitive?

  init(_ shape: ConvolutionShape, on device: Device) throws(EngineError) {
    let maker = PassMaker(shape, device)
    let choice = WinogradChoice(shape, channelBlock: KernelInstructions.best.channelBlock)
    let tiles = shape.number == .bf16 ? TileGradient(shape) : nil
    let isOwn = choice.passesToFilters || tiles != nil
    let filters = try isOwn ? Self.filterLayout(shape, turned: false) : nil
    if let filters {
      toWeights = tiles.map(Pass.tiles) ?? .winograd(Self.kernel(shape))
      layout = filters
    } else {
      let (pass, primitive) = try maker.make(ONEDNN_TO_WEIGHTS)
      toWeights = pass
      layout = try primitive.layout(of: ONEDNN_WEIGHTS_GRADIENT)
    }
    if choice.convolves {
      forward = .winograd(Self.kernel(shape))
      toSource = shape.passesBack ? .winograd(Self.turnedKernel(shape)) : nil
    } else {
      forward = try maker.forward(filters == nil ? layout : nil)
      toSource = shape.passesBack ? try maker.make(ONEDNN_TO_SOURCE).pass : nil
    }
    rowMajor = try Layout(rowMajor: Self.dimensions(shape))
    fromFile = try .reorder(device, from: rowMajor, to: layout)
    toFile = try .reorder(device, from: layout, to: rowMajor)
    func packing(
      for pass: Pass?, turned: Bool, _ layout: Layout
    ) throws(EngineError) -> Primitive? {
      let wanted: Layout
      switch pass {
      case nil: return nil
      case .primitive(let primitive): wanted = try primitive.layout(of: ONEDNN_WEIGHTS)
      case .widened(let pass): wanted = try pass.primitive.layout(of: ONEDNN_WEIGHTS)
      case .winograd, .tiles: wanted = try Self.filterLayout(shape, turned: turned)
      }
      return wanted == layout ? nil : try .reorder(device, from: layout, to: wanted)
    }
    packForward = try packing(for: forward, turned: false, layout)
    packToSource = try packing(for: toSource, turned: true, layout)
  }

  /// Dimensions as oneDNN has them: `[K, C, H, W]` or `[G, K/G, C/G, H, W]`.
  private static func dimensions(_ shape: ConvolutionShape) -> [Int] {
    let convolution = shape.convolution
    let groups = convolution.groups
    let perGroup = [
      convolution.outputChannels / groups, shape.input.channels / groups,
      convolution.kernel.height, convolution.kernel.width,
    ]
    return groups > 1 ? [groups] + perGroup : perGroup
  }

  private static func kernel(_ shape: ConvolutionShape) -> WinogradKernel {
    WinogradKernel(
      shape.convolution, batch: shape.images, input: shape.input, channelsLast: true,
      number: shape.number, threads: 1, instructions: KernelInstructions.best)
  }

  /// Returns the kernel of the convolution that computes the source's gradient.
  private static func turnedKernel(_ shape: ConvolutionShape) -> WinogradKernel {
    var turned = Convolution(outputChannels: shape.input.channels, kernel: Extent(3))
    turned.padding = Padding(
      Extent(
        height: 2 - shape.convolution.padding.before.height,
        width: 2 - shape.convolution.padding.before.width))
    return WinogradKernel(
      turned, batch: shape.images, input: shape.output, channelsLast: true, number: shape.number,
      threads: 1, instructions: KernelInstructions.best)
  }

  /// Layout of filters as our own kernels have them: `[height][width][C][K]`, or `[3][3][K][C]` for
  /// the source's gradient by `WinogradKernel`.
  private static func filterLayout(
    _ shape: ConvolutionShape, turned: Bool
  ) throws(EngineError) -> Layout {
    let (inputs, outputs) = (shape.input.channels, shape.output.channels)
    let (tap, kernel) = (inputs * outputs, shape.convolution.kernel)
    return try Layout(
      [outputs, inputs, kernel.height, kernel.width],
      strides: (turned ? [inputs, 1] : [1, outputs]) + [kernel.width * tap, tap])
  }

  /// Bytes of a worker's scratch memory for the passes, and for filters on their way to a kernel.
  var scratchByteCount: Int {
    let passes = [forward, toSource].compactMap { $0?.scratchByteCount }
    let filters = if case .winograd = forward { layout.byteCount } else { 0 }
    let gradient =
      if case .winograd(let kernel) = toWeights {
        kernel.gradientScratchpadByteCount
      } else {
        toWeights.scratchByteCount
      }
    return max(passes.max() ?? 0, gradient, filters)
  }
}

extension TileGradient {
  fileprivate init?(_ shape: ConvolutionShape) {
    self.init(
      shape.convolution, batch: shape.images, input: shape.input, output: shape.output)
  }
}
