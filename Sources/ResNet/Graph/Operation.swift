/// Operation that a node of the graph computes. Its parameters are in `Weights` under the node's
/// name.
package enum Operation: Sendable, Hashable {
  /// The network's input: the first node and no other.
  case input(FeatureShape)
  /// Convolution by `NAME.weight` `[K, C/groups, H, W]` and, if it has one, the bias `NAME.bias`
  /// `[K]`.
  case convolution(Convolution)
  /// Normalisation by `NAME.weight`, `.bias`, `.running_mean`, `.running_var`, each `[C]`.
  case batchNormalization(BatchNormalization)
  case relu
  case elementwise(Elementwise)
  /// The sum of two inputs of equal shape.
  case add
  /// The product of two inputs of equal shape, or of one and a `[C, 1, 1]` that multiplies each of
  /// its pixels.
  case multiply
  /// Two inputs number by number; the second may also be a `[C, 1, 1]` for each pixel of the first.
  case combine(Combination)
  case maxPool(Pooling)
  case averagePool(Pooling)
  /// Zeros around each channel's pixels.
  case pad(Padding)
  /// Around each channel's pixels others of them.
  case border(Padding, Border)
  /// The channels of one or more inputs of equal height and width, one input after the other.
  case concatenation
  /// The mean over each channel's pixels: `[C, H, W]` to `[C, 1, 1]`.
  case globalAveragePool
  /// Normalisation by an image's own mean and variance, without learned parameters.
  case normalization(SampleNormalization)
  /// The softmax over every `size` channels that follow each other, at each pixel.
  case softmax(size: Int)
  /// The map at another height and width.
  case resize(Resizing)
  /// Channels as pixels, in blocks of such a size: with C channels left, the pixel in row i and column
  /// j of each block is of the channels `(i * width + j) * C` on, as in ONNX's DepthToSpace (DCR).
  case depthToSpace(Extent)
  /// Shortcut option A (He et al. 2015, section 3.3): every `stride`-th pixel, new channels zero.
  case paddedShortcut(PaddedShortcut)
  /// `[C, H, W]` flattened, times `NAME.weight` `[outputs, C*H*W]`, plus `NAME.bias` `[outputs]`.
  case linear(Linear)
}

extension Operation {
  /// Bounds of an operation that does nothing but keep numbers within them.
  package var clippingBounds: Bounds? {
    switch self {
    case .relu: .nonnegative
    case .elementwise(.clip(let minimum, let maximum)): Bounds(minimum, maximum)
    default: nil
    }
  }

  /// Numbers that a pooling window reads for each of its results; 0 for other operations.
  package var windowNumberCount: Int {
    switch self {
    case .maxPool(let pooling), .averagePool(let pooling):
      pooling.window.height * pooling.window.width
    default: 0
    }
  }
}

package struct Convolution: Sendable, Hashable {
  package var outputChannels: Int
  package var kernel: Extent
  package var stride = Extent(1)
  package var padding = Padding(0)
  package var dilation = Extent(1)
  package var groups = 1
  package var hasBias = false
  /// Following batch normalisation to be folded into weights and bias
  /// (`Graph.foldingBatchNormalization`).
  package var foldedNormalization: FoldedNormalization?
  /// Bounds that the result is clipped to, before any residual sum (`Graph.fusingActivations`).
  package var bounds: Bounds?
  /// Whether a second input of the output's shape is added before the activation
  /// (`Graph.fusingActivations`).
  package var addsResidual = false
  /// Bounds that the residual sum is clipped to.
  package var sumBounds: Bounds?
  /// Whether the result goes through ReLU, after any residual sum.
  package var appliesReLU = false

  package init(outputChannels: Int, kernel: Extent) {
    self.outputChannels = outputChannels
    self.kernel = kernel
  }

  /// Whether a sum or an activation is part of it (`Graph.fusingActivations`).
  package var hasFusedOperations: Bool {
    addsResidual || appliesReLU || bounds != nil || sumBounds != nil
  }

  /// Bounds of the result by its last activation.
  var resultBounds: Bounds {
    if appliesReLU { return .nonnegative }
    return (addsResidual ? sumBounds : bounds) ?? .none
  }

  /// Clips the result, after any residual sum and what it is clipped to already.
  mutating func clip(to others: Bounds) {
    let result = resultBounds.clipped(to: others)
    appliesReLU = result == .nonnegative
    let given = appliesReLU || result == .none ? nil : result
    if addsResidual { sumBounds = given } else { bounds = given }
  }
}

/// Batch normalisation folded into a convolution: the name of its parameters and its epsilon.
package struct FoldedNormalization: Sendable, Hashable {
  package var name: String
  package var parameters: BatchNormalization

  package init(name: String, parameters: BatchNormalization) {
    self.name = name
    self.parameters = parameters
  }
}

/// Normalisation by Algorithm 1 of Ioffe and Szegedy 2015 with running statistics: `(x - mean) /
/// sqrt(variance + epsilon) * gamma + beta`.
package struct BatchNormalization: Sendable, Hashable {
  package var epsilon: Float

  package init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  /// A factor and a term for each channel alone: with `scaleVariance` and mean 0, nothing else is
  /// computed, because epsilon and variance sum up to exactly 1.
  package static let scale = BatchNormalization(epsilon: 0x1p-16)
  package static let scaleVariance = 1 - scale.epsilon
}

package enum Combination: String, Sendable, Hashable, CaseIterable {
  case subtract, divide, minimum, maximum
}

/// `(x - mean) / sqrt(variance + epsilon)` by the mean and variance (over N) of some of an image's
/// numbers.
package struct SampleNormalization: Sendable, Hashable {
  package enum Scope: Sendable, Hashable {
    /// All pixels of as many channels that follow each other, in so many groups: group
    /// normalisation; with a group for each channel, instance normalisation.
    case groups(Int)
    /// All channels of one pixel: layer normalisation.
    case channels
  }

  package var scope: Scope
  package var epsilon: Float

  package init(_ scope: Scope, epsilon: Float) {
    self.scope = scope
    self.epsilon = epsilon
  }
}

package struct Resizing: Sendable, Hashable {
  package enum Method: String, Sendable, Hashable, CaseIterable {
    /// Each pixel several times; the new sides are multiples of the old ones.
    case nearest
    /// Between the two nearest along each axis, centres of pixels at half numbers.
    case linear
  }

  package var height: Int
  package var width: Int
  package var method: Method

  package init(height: Int, width: Int, _ method: Method) {
    self.height = height
    self.width = width
    self.method = method
  }
}

package struct Pooling: Sendable, Hashable {
  package var window: Extent
  package var stride: Extent
  /// Narrower than the window on every side, so that each window covers a pixel.
  package var padding = Padding(0)
  /// Whether padding counts in an average's divisor; without meaning for a maximum.
  package var countsPadding = true

  package init(window: Extent, stride: Extent, padding: Padding = Padding(0)) {
    self.window = window
    self.stride = stride
    self.padding = padding
  }
}

package struct PaddedShortcut: Sendable, Hashable {
  /// Channels of the result, at least as many as the input has.
  package var channels: Int
  package var stride: Int
  /// Zero channels that come before the input's.
  package var leadingZeroChannels: Int

  package init(channels: Int, stride: Int, leadingZeroChannels: Int = 0) {
    self.channels = channels
    self.stride = stride
    self.leadingZeroChannels = leadingZeroChannels
  }
}

package struct Linear: Sendable, Hashable {
  package var outputs: Int
  package var hasBias = true

  package init(outputs: Int) { self.outputs = outputs }
}

/// Pixels of a map that stand around it.
package enum Border: String, Sendable, Hashable, CaseIterable {
  /// Those of the other side of the edge, which itself is not repeated.
  case reflect
  /// Those of the edge, again and again.
  case edge
  /// Those of the opposite edge and what comes before it.
  case wrap
}

/// Rows and columns around a feature map: zeros, but for a maximum less than every number.
package struct Padding: Sendable, Hashable, Codable {
  /// Before the first row and column.
  package var before: Extent
  /// After the last row and column.
  package var after: Extent

  package init(before: Extent, after: Extent) {
    self.before = before
    self.after = after
  }

  /// Pads both sides of each axis alike.
  package init(_ sides: Extent) { self.init(before: sides, after: sides) }

  package init(_ all: Int) { self.init(Extent(all)) }

  /// Whether each axis has the same on both sides.
  package var isSymmetric: Bool { before == after }
}
