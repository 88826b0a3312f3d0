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
}

/// Primitives of a convolution on one shard, activations with the channels last.
///
/// The parameters lie in the layout of their gradient, `[3][3][C][K]` where our own kernel computes
/// it; the other passes get copies where they want another one.
final class ConvolutionPasses {
  enum Pass {
    case primitive(Primitive)
    case winograd(WinogradKernel)

    var scratchByteCount: Int {
      switch self {
      case .primitive(let primitive): primitive.byteCount(of: ONEDNN_SCRATCHPAD)
      case .winograd(let kernel): kernel.scratchpadByteCount
      }
    }

    /// Bytes of the weights as the pass reads them.
    var weightByteCount: Int {
      switch self {
      case .primitive(let primitive): primitive.byteCount(of: ONEDNN_WEIGHTS)
      case .winograd(let kernel): kernel.weightByteCount
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
    let attributes = onednn_convolution(
      shape.convolution, batch: shape.images, input: shape.input, output: shape.output)
    let source = try Layout(channelsLast: [
      shape.images, shape.input.channels, shape.input.height, shape.input.width,
    ])
    let destination = try Layout(channelsLast: [
      shape.images, shape.output.channels, shape.output.height, shape.output.width,
    ])
    func make(_ pass: onednn_pass, _ weights: Layout? = nil) throws(EngineError) -> Primitive {
      try .training(
        device, attributes, pass, source: source, weights: weights, destination: destination)
    }
    let choice = WinogradChoice(shape, channelBlock: KernelInstructions.best.channelBlock)
    let filters = try choice.passesToFilters ? Self.filterLayout(shape, turned: false) : nil
    if let filters {
      toWeights = .winograd(Self.kernel(shape))
      layout = filters
    } else {
      let primitive = try make(ONEDNN_TO_WEIGHTS)
      toWeights = .primitive(primitive)
      layout = try primitive.layout(of: ONEDNN_WEIGHTS_GRADIENT)
    }
    if choice.convolves {
      forward = .winograd(Self.kernel(shape))
      toSource = shape.passesBack ? .winograd(Self.turnedKernel(shape)) : nil
    } else {
      forward = .primitive(try Self.forward(filters == nil ? layout : nil, make))
      toSource = shape.passesBack ? .primitive(try make(ONEDNN_TO_SOURCE)) : nil
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
      case .winograd: wanted = try Self.filterLayout(shape, turned: turned)
      }
      return wanted == layout ? nil : try .reorder(device, from: layout, to: wanted)
    }
    packForward = try packing(for: forward, turned: false, layout)
    packToSource = try packing(for: toSource, turned: true, layout)
  }

  /// Makes the pass that reads weights as they lie, or else as it wants them.
  private static func forward(
    _ layout: Layout?, _ make: (onednn_pass, Layout?) throws(EngineError) -> Primitive
  ) throws(EngineError) -> Primitive {
    guard let layout else { return try make(ONEDNN_FORWARD, nil) }
    do throws(EngineError) {
      return try make(ONEDNN_FORWARD, layout)
    } catch .unimplemented {
      return try make(ONEDNN_FORWARD, nil)
    }
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
      number: .fp32, threads: 1, instructions: KernelInstructions.best)
  }

  /// Returns the kernel of the convolution that computes the source's gradient.
  private static func turnedKernel(_ shape: ConvolutionShape) -> WinogradKernel {
    var turned = Convolution(outputChannels: shape.input.channels, kernel: Extent(3))
    turned.padding = Padding(
      Extent(
        height: 2 - shape.convolution.padding.before.height,
        width: 2 - shape.convolution.padding.before.width))
    return WinogradKernel(
      turned, batch: shape.images, input: shape.output, channelsLast: true, number: .fp32,
      threads: 1, instructions: KernelInstructions.best)
  }

  /// Layout of filters as `WinogradKernel.pack` reads them: `[3][3][C][K]`, or `[3][3][K][C]` for
  /// the source's gradient.
  private static func filterLayout(
    _ shape: ConvolutionShape, turned: Bool
  ) throws(EngineError) -> Layout {
    let (inputs, outputs) = (shape.input.channels, shape.output.channels)
    let tap = inputs * outputs
    return try Layout(
      [outputs, inputs, 3, 3], strides: (turned ? [inputs, 1] : [1, outputs]) + [3 * tap, tap])
  }

  /// Bytes of a worker's scratch memory for the passes, and for filters on their way to a kernel.
  var scratchByteCount: Int {
    let passes = [forward, toSource].compactMap { $0?.scratchByteCount }
    let filters = if case .winograd = forward { layout.byteCount } else { 0 }
    let gradient =
      switch toWeights {
      case .primitive(let primitive): primitive.byteCount(of: ONEDNN_SCRATCHPAD)
      case .winograd(let kernel): kernel.gradientScratchpadByteCount
      }
    return max(passes.max() ?? 0, gradient, filters)
  }
}
