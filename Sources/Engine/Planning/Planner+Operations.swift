import COneDNN
import ResNet

/// Operations other than convolutions; of those that compute, only linear layers and max pooling run on
/// integers.
extension Planner {
  mutating func rectify(_ node: Graph.Node) throws(EngineError) -> Value {
    try apply(node) { device, layout throws(EngineError) in
      [try Primitive.elementwise(device, ONEDNN_RELU, layout)]
    }
  }

  mutating func apply(
    _ function: Elementwise, _ node: Graph.Node
  ) throws(EngineError) -> Value {
    try apply(node) { device, layout throws(EngineError) in
      func primitive(
        _ kind: onednn_elementwise_kind, _ alpha: Float = 0, _ beta: Float = 0
      ) throws(EngineError) -> Primitive {
        try Primitive.elementwise(device, kind, alpha: alpha, beta: beta, layout)
      }
      switch function {
      case .sigmoid: return [try primitive(ONEDNN_LOGISTIC)]
      case .hardSigmoid(let alpha, let beta):
        // oneDNN 2.6 has no primitive for both at once.
        return [try primitive(ONEDNN_LINEAR, alpha, beta), try primitive(ONEDNN_CLIP, 0, 1)]
      case .clip(let minimum, let maximum): return [try primitive(ONEDNN_CLIP, minimum, maximum)]
      case .leakyRelu(let slope): return [try primitive(ONEDNN_RELU, slope)]
      case .elu(let alpha): return [try primitive(ONEDNN_ELU, alpha)]
      case .gelu: return [try primitive(ONEDNN_GELU)]
      case .tanhGelu: return [try primitive(ONEDNN_TANH_GELU)]
      case .tanh: return [try primitive(ONEDNN_TANH)]
      case .softplus: return [try primitive(ONEDNN_SOFTPLUS, 1)]
      case .exponential: return [try primitive(ONEDNN_EXPONENTIAL)]
      case .logarithm: return [try primitive(ONEDNN_LOGARITHM)]
      case .squareRoot: return [try primitive(ONEDNN_SQUARE_ROOT)]
      case .power(let exponent): return [try primitive(ONEDNN_POWER, 1, exponent)]
      }
    }
  }

  /// Plans elementwise primitives one after the other, in one buffer.
  private mutating func apply(
    _ node: Graph.Node, _ make: (Device, Layout) throws(EngineError) -> [Primitive]
  ) throws(EngineError) -> Value {
    _ = try floatingPoint(node.inputs[0], for: node.name)
    let device = device
    let (source, primitives) = try arranged(node.inputs[0], for: node.name) {
      source throws(EngineError) in try make(device, source.layout)
    }
    let destination = isLastUse(node.inputs[0]) ? source.slot : newBuffer(source.layout.byteCount)
    var slot = source.slot
    for primitive in primitives {
      append(node.name, primitive, from: slot, to: destination)
      slot = destination
    }
    return Value(slot: destination, layout: source.layout, format: source.format)
  }

  /// Plans a product; a factor of one pixel multiplies all of the other's.
  mutating func scale(_ node: Graph.Node, _ shape: FeatureShape) throws(EngineError) -> Value {
    let isInOrder = lowered.shapes[node.inputs[0]] == shape
    let (large, small) = isInOrder ? (0, 1) : (1, 0)
    return try combine(node, ONEDNN_MULTIPLY, node.inputs[large], with: node.inputs[small])
  }

  /// Plans a step that takes two inputs number by number; the second may be one pixel for all.
  mutating func combine(
    _ node: Graph.Node, _ kind: onednn_combination_kind, _ id: Graph.NodeID,
    with other: Graph.NodeID
  ) throws(EngineError) -> Value {
    _ = try floatingPoint(id, for: node.name)
    let otherShape = lowered.shapes[other]
    let isWhole = otherShape == lowered.shapes[id]
    let (device, otherDimensions) = (device, dimensions(otherShape))
    let (source, (primitive, otherLayout)) = try arranged(id, for: node.name) {
      source throws(EngineError) in
      let otherLayout =
        isWhole ? source.layout : try Layout(rowMajor: otherDimensions, source.format.number)
      return (
        try Primitive.combination(device, kind, source.layout, with: otherLayout), otherLayout
      )
    }
    let addend = try reordered(other, to: otherLayout, source.format, for: node.name)
    let destination = isLastUse(id) ? source.slot : newBuffer(source.layout.byteCount)
    append(node.name, primitive, from: source.slot, to: destination, addend: addend)
    return Value(slot: destination, layout: source.layout, format: source.format)
  }

  /// Plans a concatenation: a reorder puts each input in its channels' place, and gives integers
  /// the scale of the whole.
  mutating func concatenate(_ node: Graph.Node, _ id: Graph.NodeID) throws(EngineError) -> Value {
    let format = try format(of: id)
    let layout = try Layout(
      blocked: dimensions(lowered.shapes[id]), by: channelBlock(of: node.inputs), format.number)
    let destination = newBuffer(layout.byteCount)
    var first = 0
    for input in node.inputs {
      let source = current(input)
      let count = lowered.shapes[input].channels
      let place = try layout.channels(first..<first + count)
      let reorder = try Primitive.reorder(
        device, from: source.layout, to: place, scale: source.format.scale / format.scale)
      append(node.name, reorder, from: source.slot, to: destination)
      first += count
    }
    return Value(slot: destination, layout: layout, format: format)
  }

  /// Returns the channels that lie next to each other in the first of several outputs, if all of
  /// them consist of whole blocks; else 0, which is channels last.
  private func channelBlock(of ids: [Graph.NodeID]) throws(EngineError) -> Int {
    let first = current(ids[0])
    for block in [16, 8]
    where ids.allSatisfy({ lowered.shapes[$0].channels.isMultiple(of: block) }) {
      let blocked = try Layout(
        blocked: dimensions(lowered.shapes[ids[0]]), by: block, first.format.number)
      if first.layout == blocked { return block }
    }
    return 0
  }

  mutating func pool(
    _ node: Graph.Node, _ pooling: Pooling, _ shape: FeatureShape, kind: onednn_pooling_kind
  ) throws(EngineError) -> Value {
    let id = node.inputs[0]
    if kind == ONEDNN_MAXIMUM {
      if let value = try maximize(node, pooling, shape) { return value }
    } else {
      _ = try floatingPoint(id, for: node.name)
    }
    let attributes = onednn_pooling(
      pooling, kind: kind, batch: batch, input: lowered.shapes[id], output: shape)
    let device = device
    let (source, primitive) = try arranged(id, for: node.name) { source throws(EngineError) in
      try Primitive.pooling(device, attributes, source: source.layout)
    }
    let layout = try primitive.layout(of: ONEDNN_DESTINATION)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: source.slot, to: destination)
    return Value(slot: destination, layout: layout, format: source.format)
  }

  /// Plans maxima by our kernels, on the input as it lies; nil where they do not compute them.
  private mutating func maximize(
    _ node: Graph.Node, _ pooling: Pooling, _ shape: FeatureShape
  ) throws(EngineError) -> Value? {
    let id = node.inputs[0]
    let source = current(id)
    guard let block = try channelBlock(of: id),
      let kernel = MaximumKernel(
        pooling, source.format.number, batch: batch, input: lowered.shapes[id], output: shape,
        channelBlock: block, threads: options.threads, instructions: options.kernelInstructions)
    else { return nil }
    let layout = try Layout(blocked: dimensions(shape), by: block, source.format.number)
    let destination = newBuffer(layout.byteCount)
    append(node.name, .maximum(kernel), from: source.slot, to: destination)
    return Value(slot: destination, layout: layout, format: source.format)
  }

  mutating func multiply(_ node: Graph.Node, _ linear: Linear) throws(EngineError) -> Value {
    try withFloatingPoint(from: sourceFormat(of: node)) { planner, source throws(EngineError) in
      try planner.multiply(node, linear, from: source)
    }
  }

  private mutating func multiply(
    _ node: Graph.Node, _ linear: Linear, from source: TensorFormat
  ) throws(EngineError) -> Value {
    if source.isQuantized, options.usesOwnIntegerLayers,
      let value = try multiplyByIntegerKernel(node, linear, from: source)
    {
      return value
    }
    if source == .fp32, InstructionLevel.used < .avx512,
      let value = try multiplyByConvolution(node, linear)
    {
      return value
    }
    var attributes = onednn_linear(linear, batch: batch, input: lowered.shapes[node.inputs[0]])
    attributes.source_number = source.number.code
    attributes.weights_number = source.weightNumber.code
    let (primitive, parameters) = try compile(
      node.name, outputCount: linear.outputs, from: source, resultScale: 1
    ) { () throws(EngineError) in
      try lowered.parameters(of: node, linear)
    } make: { weights, scales throws(EngineError) in
      try Primitive.linear(device, attributes, scales: scales, weights: weights)
    }
    let wanted = try primitive.layout(of: ONEDNN_SOURCE)
    let input = try reordered(node.inputs[0], to: wanted, source, for: node.name)
    // The results lie as those of a map of one pixel, and the next operation may read them as such.
    let layout = try Layout(rowMajor: [batch, linear.outputs, 1, 1])
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: input, to: destination, parameters: parameters)
    return Value(slot: destination, layout: layout, format: .fp32)
  }
}
