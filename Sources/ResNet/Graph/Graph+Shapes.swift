extension Graph {
  /// Numbers of one image's feature map.
  package static let featureElementCountLimit = 1 << 28
  /// Sides, strides, paddings and dilations of a window.
  package static let windowNumberLimit = 1 << 16

  /// Returns the shape of each node's output; throws for the first node that is impossible.
  package func shapes() throws(GraphError) -> [FeatureShape] {
    var shapes: [FeatureShape] = []
    shapes.reserveCapacity(nodes.count)
    for node in nodes {
      shapes.append(try Self.checkedShape(of: node, inputs: node.inputs.map { shapes[$0] }))
    }
    return shapes
  }

  /// Returns the shape of one node's output; throws if the node is impossible.
  package static func checkedShape(
    of node: Node, inputs: [FeatureShape]
  ) throws(GraphError) -> FeatureShape {
    let shape = try shape(of: node, inputs: inputs)
    let (pixels, pixelOverflow) = shape.height.multipliedReportingOverflow(by: shape.width)
    let (elements, overflow) = pixels.multipliedReportingOverflow(by: shape.channels)
    guard !pixelOverflow, !overflow, 1...featureElementCountLimit ~= elements else {
      throw .outOfRange(
        what: "\(node.name): element count", value: overflow ? .max : elements,
        allowed: 1...featureElementCountLimit)
    }
    return shape
  }

  private static func shape(
    of node: Node, inputs: [FeatureShape]
  ) throws(GraphError) -> FeatureShape {
    switch node.operation {
    case .input(let shape): return shape
    case .convolution(let convolution):
      let shape = try shape(of: convolution, input: inputs[0], name: node.name)
      if convolution.addsResidual, inputs[1] != shape {
        throw .unequalShapes(block: node.name, main: shape, shortcut: inputs[1])
      }
      return shape
    case .batchNormalization, .relu: return inputs[0]
    case .elementwise(let function):
      if let reason = function.fault { throw .badFunction(node: node.name, reason: reason) }
      return inputs[0]
    case .multiply: return try product(inputs[0], inputs[1], node.name)
    case .combine:
      let pixel = FeatureShape(channels: inputs[0].channels, height: 1, width: 1)
      guard inputs[1] == inputs[0] || inputs[1] == pixel else {
        throw .unequalFactors(node: node.name, first: inputs[0], second: inputs[1])
      }
      return inputs[0]
    case .normalization(let normalization):
      if case .groups(let groups) = normalization.scope {
        try checkGroups(groups, of: inputs[0], node.name)
      }
      guard normalization.epsilon > 0, normalization.epsilon.isFinite else {
        throw .badFunction(node: node.name, reason: "epsilon \(normalization.epsilon)")
      }
      return inputs[0]
    case .softmax(let size):
      guard size > 0 else {
        throw .outOfRange(what: "\(node.name): size", value: size, allowed: 1...inputs[0].channels)
      }
      try checkGroups(
        inputs[0].channels.isMultiple(of: size) ? inputs[0].channels / size : 0, of: inputs[0],
        node.name)
      return inputs[0]
    case .resize(let resizing): return try shape(of: resizing, inputs[0], node.name)
    case .depthToSpace(let block): return try shape(ofBlocks: block, inputs[0], node.name)
    case .add:
      guard inputs[0] == inputs[1] else {
        throw .unequalShapes(block: node.name, main: inputs[0], shortcut: inputs[1])
      }
      return inputs[0]
    case .maxPool(let pooling), .averagePool(let pooling):
      return try shape(of: pooling, inputs[0], node.name)
    case .pad(let padding):
      return try slide(
        Extent(1), stride: Extent(1), padding: padding, over: inputs[0],
        channels: inputs[0].channels, name: node.name)
    case .border(let padding, let border):
      let input = inputs[0]
      for side in [padding.before, padding.after] where border != .edge {
        let last = border == .reflect ? 1 : 0
        let word = border == .reflect ? "reflected" : "wrapped"
        try check(side.height, in: 0...input.height - last, "\(node.name): \(word) rows")
        try check(side.width, in: 0...input.width - last, "\(node.name): \(word) columns")
      }
      return try slide(
        Extent(1), stride: Extent(1), padding: padding, over: input, channels: input.channels,
        name: node.name)
    case .concatenation: return try concatenation(inputs, node.name)
    case .globalAveragePool:
      return FeatureShape(channels: inputs[0].channels, height: 1, width: 1)
    case .paddedShortcut(let shortcut): return try shape(of: shortcut, inputs[0], node.name)
    case .linear(let linear): return FeatureShape(channels: linear.outputs, height: 1, width: 1)
    }
  }

  private static func shape(
    of convolution: Convolution, input: FeatureShape, name: String
  ) throws(GraphError) -> FeatureShape {
    for channels in [input.channels, convolution.outputChannels] {
      guard convolution.groups > 0, channels.isMultiple(of: convolution.groups) else {
        throw .channelsNotDivisible(node: name, channels: channels, groups: convolution.groups)
      }
    }
    try check(convolution.kernel, in: 1...windowNumberLimit, "\(name): kernel")
    try check(convolution.dilation, in: 1...windowNumberLimit, "\(name): dilation")
    let window = Extent(
      height: (convolution.kernel.height - 1) * convolution.dilation.height + 1,
      width: (convolution.kernel.width - 1) * convolution.dilation.width + 1)
    return try slide(
      window, stride: convolution.stride, padding: convolution.padding, over: input,
      channels: convolution.outputChannels, name: name)
  }

  private static func checkGroups(
    _ groups: Int, of input: FeatureShape, _ name: String
  ) throws(GraphError) {
    guard groups > 0, input.channels.isMultiple(of: groups) else {
      throw .channelsNotDivisible(node: name, channels: input.channels, groups: groups)
    }
  }

  private static func shape(
    of resizing: Resizing, _ input: FeatureShape, _ name: String
  ) throws(GraphError) -> FeatureShape {
    let size = Extent(height: resizing.height, width: resizing.width)
    try check(size, in: 1...windowNumberLimit, "\(name): size")
    guard
      resizing.method != .nearest
        || size.height.isMultiple(of: input.height) && size.width.isMultiple(of: input.width)
    else {
      throw .badFunction(
        node: name, reason: "\(size.height)x\(size.width) is no multiple of \(input)")
    }
    return FeatureShape(channels: input.channels, height: size.height, width: size.width)
  }

  private static func shape(
    ofBlocks block: Extent, _ input: FeatureShape, _ name: String
  ) throws(GraphError) -> FeatureShape {
    try check(block, in: 1...windowNumberLimit, "\(name): block")
    let count = block.height * block.width
    try checkGroups(count, of: input, name)
    return FeatureShape(
      channels: input.channels / count, height: input.height * block.height,
      width: input.width * block.width)
  }

  private static func product(
    _ first: FeatureShape, _ second: FeatureShape, _ name: String
  ) throws(GraphError) -> FeatureShape {
    let pixel = FeatureShape(channels: first.channels, height: 1, width: 1)
    if first == second || second == pixel { return first }
    if first == pixel, second.channels == first.channels { return second }
    throw .unequalFactors(node: name, first: first, second: second)
  }

  private static func shape(
    of shortcut: PaddedShortcut, _ input: FeatureShape, _ name: String
  ) throws(GraphError) -> FeatureShape {
    let added = shortcut.channels - input.channels
    guard added >= 0 else {
      throw .outOfRange(
        what: "\(name): channels", value: shortcut.channels, allowed: input.channels...Int.max)
    }
    guard 0...added ~= shortcut.leadingZeroChannels else {
      throw .outOfRange(
        what: "\(name): leading zero channels", value: shortcut.leadingZeroChannels,
        allowed: 0...added)
    }
    return try slide(
      Extent(1), stride: Extent(shortcut.stride), padding: Padding(0), over: input,
      channels: shortcut.channels, name: name)
  }

  private static func shape(
    of pooling: Pooling, _ input: FeatureShape, _ name: String
  ) throws(GraphError) -> FeatureShape {
    let window = pooling.window
    try check(window, in: 1...windowNumberLimit, "\(name): window")
    for side in [pooling.padding.before, pooling.padding.after] {
      for (size, padding) in [(window.height, side.height), (window.width, side.width)] {
        try check(padding, in: 0...size - 1, "\(name): padding")
      }
    }
    return try slide(
      window, stride: pooling.stride, padding: pooling.padding, over: input,
      channels: input.channels, name: name)
  }

  private static func concatenation(
    _ inputs: [FeatureShape], _ name: String
  ) throws(GraphError) -> FeatureShape {
    guard var result = inputs.first else {
      throw .outOfRange(what: "\(name): inputs", value: 0, allowed: 1...Int.max)
    }
    for input in inputs.dropFirst() {
      guard input.height == result.height, input.width == result.width else {
        throw .unequalShapes(block: name, main: inputs[0], shortcut: input)
      }
      // Cannot overflow: each has at most `featureElementCountLimit` channels, and so has the sum
      // so far.
      result.channels += input.channels
      try check(result.channels, in: 1...featureElementCountLimit, "\(name): channels")
    }
    return result
  }

  /// Counts the places of a window: `(size + padding - window) / stride + 1` along each axis.
  private static func slide(
    _ window: Extent, stride: Extent, padding: Padding, over input: FeatureShape, channels: Int,
    name: String
  ) throws(GraphError) -> FeatureShape {
    try check(stride, in: 1...windowNumberLimit, "\(name): stride")
    try check(padding.before, in: 0...windowNumberLimit, "\(name): padding")
    try check(padding.after, in: 0...windowNumberLimit, "\(name): padding")
    let room = Extent(
      height: input.height + padding.before.height + padding.after.height - window.height,
      width: input.width + padding.before.width + padding.after.width - window.width)
    guard room.height >= 0, room.width >= 0 else {
      throw .windowTooLarge(node: name, input: input, window: window)
    }
    return FeatureShape(
      channels: channels, height: room.height / stride.height + 1,
      width: room.width / stride.width + 1)
  }

  private static func check(
    _ extent: Extent, in allowed: ClosedRange<Int>, _ what: String
  ) throws(GraphError) {
    try check(extent.height, in: allowed, what)
    try check(extent.width, in: allowed, what)
  }

  private static func check(
    _ value: Int, in allowed: ClosedRange<Int>, _ what: String
  ) throws(GraphError) {
    guard allowed ~= value else {
      throw .outOfRange(what: what, value: value, allowed: allowed)
    }
  }
}
