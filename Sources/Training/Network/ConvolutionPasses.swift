import COneDNN
import Engine
import ResNet

/// Shape of a convolution's work on one shard; equal ones share their primitives.
struct ConvolutionShape: Hashable {
  var convolution: Convolution
  var images: Int
  var input: FeatureShape
  var output: FeatureShape
  /// Whether the gradient of its source is wanted.
  var passesBack: Bool
}

/// Primitives of a convolution on one shard, activations with the channels last.
///
/// The parameters lie in the layout of their gradient; the other passes get copies where they want
/// another one.
final class ConvolutionPasses {
  let forward: Primitive
  let toSource: Primitive?
  let toWeights: Primitive
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
    toWeights = try make(ONEDNN_TO_WEIGHTS)
    layout = try toWeights.layout(of: ONEDNN_WEIGHTS_GRADIENT)
    do throws(EngineError) {
      forward = try make(ONEDNN_FORWARD, layout)
    } catch .unimplemented {
      forward = try make(ONEDNN_FORWARD)
    }
    toSource = shape.passesBack ? try make(ONEDNN_TO_SOURCE) : nil
    rowMajor = try Layout(rowMajor: Self.dimensions(shape))
    fromFile = try .reorder(device, from: rowMajor, to: layout)
    toFile = try .reorder(device, from: layout, to: rowMajor)
    func packing(for pass: Primitive?, _ layout: Layout) throws(EngineError) -> Primitive? {
      guard let wanted = try pass?.layout(of: ONEDNN_WEIGHTS), wanted != layout else { return nil }
      return try .reorder(device, from: layout, to: wanted)
    }
    packForward = try packing(for: forward, layout)
    packToSource = try packing(for: toSource, layout)
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

  var scratchByteCount: Int {
    [forward, toSource, toWeights].compactMap { $0?.byteCount(of: ONEDNN_SCRATCHPAD) }.max() ?? 0
  }
}
