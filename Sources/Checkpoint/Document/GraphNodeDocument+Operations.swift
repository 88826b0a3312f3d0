import ResNet

/// Everything about single operations: their names, input counts, and the keys and bounds of their
/// parameters.
///
/// A new one gets a name here, and the compiler asks for the rest.
extension GraphNodeDocument {
  private enum Kind: String {
    case convolution, relu, sigmoid, clip, elu, gelu, tanh, softplus, exponential, logarithm
    case power
    case add, multiply, subtract, divide, minimum, maximum
    case pad, reflection, edge, wrap, concatenation, softmax, resize, linear
    case batchNormalization = "batch_normalization"
    case hardSigmoid = "hard_sigmoid"
    case leakyRelu = "leaky_relu"
    case tanhGelu = "tanh_gelu"
    case squareRoot = "square_root"
    case groupNormalization = "group_normalization"
    case layerNormalization = "layer_normalization"
    case maxPool = "max_pool"
    case averagePool = "average_pool"
    case globalAveragePool = "global_average_pool"
    case depthToSpace = "depth_to_space"
    case paddedShortcut = "padded_shortcut"
  }

  /// Kind of the operation, or nil for the input, which is not a node of a document.
  private var kind: Kind? {
    switch operation {
    case .input: nil
    case .convolution: .convolution
    case .batchNormalization: .batchNormalization
    case .relu: .relu
    case .elementwise(let function): Self.kind(of: function)
    case .add: .add
    case .multiply: .multiply
    case .combine(.subtract): .subtract
    case .combine(.divide): .divide
    case .combine(.minimum): .minimum
    case .combine(.maximum): .maximum
    case .normalization(let normalization):
      normalization.scope == .channels ? .layerNormalization : .groupNormalization
    case .softmax: .softmax
    case .resize: .resize
    case .depthToSpace: .depthToSpace
    case .maxPool: .maxPool
    case .averagePool: .averagePool
    case .pad: .pad
    case .border(_, .reflect): .reflection
    case .border(_, .edge): .edge
    case .border(_, .wrap): .wrap
    case .concatenation: .concatenation
    case .globalAveragePool: .globalAveragePool
    case .paddedShortcut: .paddedShortcut
    case .linear: .linear
    }
  }

  private static func kind(of function: Elementwise) -> Kind {
    switch function {
    case .sigmoid: .sigmoid
    case .hardSigmoid: .hardSigmoid
    case .clip: .clip
    case .leakyRelu: .leakyRelu
    case .elu: .elu
    case .gelu: .gelu
    case .tanhGelu: .tanhGelu
    case .tanh: .tanh
    case .softplus: .softplus
    case .exponential: .exponential
    case .logarithm: .logarithm
    case .squareRoot: .squareRoot
    case .power: .power
    }
  }

  /// Number of inputs that the operation takes.
  var inputCounts: ClosedRange<Int> {
    switch operation {
    case .input: 0...0
    case .add, .multiply, .combine: 2...2
    case .concatenation: 1...ONNXImportLimits.nodeCount
    case .convolution, .batchNormalization, .relu, .elementwise, .maxPool, .averagePool, .pad,
      .border,
      .globalAveragePool, .normalization, .softmax, .resize, .depthToSpace, .paddedShortcut,
      .linear:
      1...1
    }
  }

  // MARK: - Reading

  private static let sizes = 1...ONNXImportLimits.windowNumber
  private static let paddings = 0...ONNXImportLimits.windowNumber
  private static let channelCounts = 1...Graph.featureElementCountLimit

  static func operation(of fields: inout GraphNodeFields) throws(CheckpointError) -> Operation {
    let name = try fields.text("operation")
    guard let kind = Kind(rawValue: name) else {
      throw fields.fault("unknown operation \"\(ONNXImporter.readable(String(name.prefix(40))))\"")
    }
    switch kind {
    case .convolution: return .convolution(try convolution(&fields))
    case .batchNormalization:
      let epsilon = try fields.number("epsilon")
      guard epsilon > 0 else { throw fields.fault("epsilon \(epsilon) is not above 0") }
      return .batchNormalization(BatchNormalization(epsilon: epsilon))
    case .relu: return .relu
    case .sigmoid, .hardSigmoid, .clip, .leakyRelu, .elu, .gelu, .tanhGelu, .tanh, .softplus,
      .exponential, .logarithm, .squareRoot, .power:
      return .elementwise(try function(kind, &fields))
    case .add: return .add
    case .multiply: return .multiply
    case .subtract: return .combine(.subtract)
    case .divide: return .combine(.divide)
    case .minimum: return .combine(.minimum)
    case .maximum: return .combine(.maximum)
    case .groupNormalization, .layerNormalization:
      let epsilon = try fields.number("epsilon")
      guard epsilon > 0 else { throw fields.fault("epsilon \(epsilon) is not above 0") }
      let scope: SampleNormalization.Scope =
        kind == .layerNormalization
        ? .channels : .groups(try fields.integer("groups", in: channelCounts))
      return .normalization(SampleNormalization(scope, epsilon: epsilon))
    case .softmax: return .softmax(size: try fields.integer("size", in: channelCounts))
    case .resize:
      let size = try fields.extent("size", in: sizes)
      let method = try fields.text("method")
      guard let method = Resizing.Method(rawValue: method) else {
        throw fields.fault("method is not \"nearest\" or \"linear\"")
      }
      return .resize(Resizing(height: size.height, width: size.width, method))
    case .depthToSpace: return .depthToSpace(try fields.extent("block", in: sizes))
    case .maxPool: return .maxPool(try pooling(&fields))
    case .averagePool:
      var pooling = try pooling(&fields)
      pooling.countsPadding = try fields.flag("counts_padding", default: true)
      return .averagePool(pooling)
    case .pad: return .pad(try fields.padding("padding", in: paddings))
    case .reflection, .edge, .wrap:
      let padding = try fields.padding("padding", in: 0...ONNXImportLimits.reflectedCount)
      return .border(padding, kind == .edge ? .edge : kind == .wrap ? .wrap : .reflect)
    case .concatenation: return .concatenation
    case .globalAveragePool: return .globalAveragePool
    case .paddedShortcut:
      return .paddedShortcut(
        PaddedShortcut(
          channels: try fields.integer("channels", in: channelCounts),
          stride: try fields.integer("stride", in: sizes, default: 1),
          leadingZeroChannels: try fields.integer(
            "leading_zero_channels", in: 0...Graph.featureElementCountLimit, default: 0)))
    case .linear:
      var linear = Linear(outputs: try fields.integer("outputs", in: channelCounts))
      linear.hasBias = try fields.flag("bias", default: true)
      return .linear(linear)
    }
  }

  /// Reads the numbers of a function of each number by itself.
  private static func function(
    _ kind: Kind, _ fields: inout GraphNodeFields
  ) throws(CheckpointError) -> Elementwise {
    switch kind {
    case .hardSigmoid:
      .hardSigmoid(alpha: try fields.number("alpha"), beta: try fields.number("beta"))
    case .clip:
      .clip(
        minimum: try fields.number("minimum", default: -.infinity),
        maximum: try fields.number("maximum", default: .infinity))
    case .leakyRelu: .leakyRelu(slope: try fields.number("slope"))
    case .elu: .elu(alpha: try fields.number("alpha", default: 1))
    case .gelu: .gelu
    case .tanhGelu: .tanhGelu
    case .tanh: .tanh
    case .softplus: .softplus
    case .exponential: .exponential
    case .logarithm: .logarithm
    case .squareRoot: .squareRoot
    case .power: .power(exponent: try fields.number("exponent"))
    default: .sigmoid
    }
  }

  private static func convolution(
    _ fields: inout GraphNodeFields
  ) throws(CheckpointError) -> Convolution {
    var convolution = Convolution(
      outputChannels: try fields.integer("channels", in: channelCounts),
      kernel: try fields.extent("kernel", in: sizes))
    convolution.stride = try fields.extent("stride", in: sizes, default: Extent(1))
    convolution.padding = try fields.padding("padding", in: paddings, default: Padding(0))
    convolution.dilation = try fields.extent("dilation", in: sizes, default: Extent(1))
    convolution.groups = try fields.integer("groups", in: channelCounts, default: 1)
    convolution.hasBias = try fields.flag("bias", default: false)
    return convolution
  }

  private static func pooling(
    _ fields: inout GraphNodeFields
  ) throws(CheckpointError) -> Pooling {
    let window = try fields.extent("window", in: sizes)
    let padding = try fields.padding("padding", in: paddings, default: Padding(0))
    guard
      [padding.before, padding.after].allSatisfy({
        $0.height < window.height && $0.width < window.width
      })
    else {
      throw fields.fault("padding as wide as the window")
    }
    return Pooling(
      window: window, stride: try fields.extent("stride", in: sizes, default: Extent(1)),
      padding: padding)
  }

  // MARK: - Writing

  /// Encodes all parameters that differ from their defaults.
  ///
  /// Whatever has no key here, such as the traces of fusing passes, is lost, so a writer compares
  /// with the graph that is read back.
  func encodeOperation(to container: inout KeyedEncodingContainer<GraphNodeKey>) throws {
    try container.encodeIfPresent(kind?.rawValue, forKey: "operation")
    switch operation {
    case .input, .relu, .add, .multiply, .combine, .concatenation, .globalAveragePool: break
    case .convolution(let convolution):
      try container.encode(convolution.outputChannels, forKey: "channels")
      try container.encode(convolution.kernel.pair, forKey: "kernel")
      try container.encode(convolution.stride.pair, forKey: "stride", unless: [1, 1])
      try container.encode(convolution.padding.sides, forKey: "padding", unless: [0, 0])
      try container.encode(convolution.dilation.pair, forKey: "dilation", unless: [1, 1])
      try container.encode(convolution.groups, forKey: "groups", unless: 1)
      try container.encode(convolution.hasBias, forKey: "bias", unless: false)
    case .batchNormalization(let normalization):
      try container.encode(normalization.epsilon, forKey: "epsilon")
    case .elementwise(let function): try encode(function, to: &container)
    case .normalization(let normalization):
      if case .groups(let groups) = normalization.scope {
        try container.encode(groups, forKey: "groups")
      }
      try container.encode(normalization.epsilon, forKey: "epsilon")
    case .softmax(let size): try container.encode(size, forKey: "size")
    case .resize(let resizing):
      try container.encode([resizing.height, resizing.width], forKey: "size")
      try container.encode(resizing.method.rawValue, forKey: "method")
    case .depthToSpace(let block): try container.encode(block.pair, forKey: "block")
    case .maxPool(let pooling): try encode(pooling, to: &container)
    case .averagePool(let pooling):
      try encode(pooling, to: &container)
      try container.encode(pooling.countsPadding, forKey: "counts_padding", unless: true)
    case .pad(let padding), .border(let padding, _):
      try container.encode(padding.sides, forKey: "padding")
    case .paddedShortcut(let shortcut):
      try container.encode(shortcut.channels, forKey: "channels")
      try container.encode(shortcut.stride, forKey: "stride", unless: 1)
      try container.encode(
        shortcut.leadingZeroChannels, forKey: "leading_zero_channels", unless: 0)
    case .linear(let linear):
      try container.encode(linear.outputs, forKey: "outputs")
      try container.encode(linear.hasBias, forKey: "bias", unless: true)
    }
  }

  private func encode(
    _ function: Elementwise, to container: inout KeyedEncodingContainer<GraphNodeKey>
  ) throws {
    switch function {
    case .sigmoid, .gelu, .tanhGelu, .tanh, .softplus, .exponential, .logarithm,
      .squareRoot:
      break
    case .hardSigmoid(let alpha, let beta):
      try container.encode(alpha, forKey: "alpha")
      try container.encode(beta, forKey: "beta")
    case .clip(let minimum, let maximum):
      try container.encode(minimum, forKey: "minimum", unless: -.infinity)
      try container.encode(maximum, forKey: "maximum", unless: .infinity)
    case .leakyRelu(let slope): try container.encode(slope, forKey: "slope")
    case .elu(let alpha): try container.encode(alpha, forKey: "alpha", unless: 1)
    case .power(let exponent): try container.encode(exponent, forKey: "exponent")
    }
  }

  private func encode(
    _ pooling: Pooling, to container: inout KeyedEncodingContainer<GraphNodeKey>
  ) throws {
    try container.encode(pooling.window.pair, forKey: "window")
    try container.encode(pooling.stride.pair, forKey: "stride", unless: [1, 1])
    try container.encode(pooling.padding.sides, forKey: "padding", unless: [0, 0])
  }
}

extension Extent {
  /// Height and width, as in the document.
  fileprivate var pair: [Int] { [height, width] }
}

extension Padding {
  /// Height and width if both sides are the same, else top, left, bottom and right.
  fileprivate var sides: [Int] { isSymmetric ? before.pair : before.pair + after.pair }
}

extension KeyedEncodingContainer<GraphNodeKey> {
  fileprivate mutating func encode<Value: Encodable & Equatable>(
    _ value: Value, forKey key: GraphNodeKey, unless usual: Value
  ) throws {
    if value != usual { try encode(value, forKey: key) }
  }
}
