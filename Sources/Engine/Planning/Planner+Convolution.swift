import COneDNN
import ResNet

extension Planner {
  mutating func convolve(
    _ node: Graph.Node, _ convolution: Convolution, _ id: Graph.NodeID
  ) throws(EngineError) -> Value {
    let input = lowered.shapes[node.inputs[0]]
    if usesWinograd(convolution, input) {
      return try convolveByWinograd(node, convolution, id)
    }
    return try withFloatingPoint(from: sourceFormat(of: node)) {
      planner, source throws(EngineError) in
      let formats = try planner.resultFormats(of: id, from: source)
      return try planner.convolve(node, convolution, id, from: source, to: formats)
    }
  }

  /// Plans a sum with a clipped convolution in floating point in steps, because oneDNN's kernels begin
  /// with the residual.
  private mutating func convolveThenAdd(
    _ node: Graph.Node, _ convolution: Convolution, _ id: Graph.NodeID, from source: TensorFormat
  ) throws(EngineError) -> Value {
    var alone = convolution
    alone.addsResidual = false
    alone.appliesReLU = false
    alone.sumBounds = nil
    let formats = ResultFormats(result: source)
    var step = Graph.Node(name: node.name, operation: node.operation, inputs: [node.inputs[0]])
    keep(try convolve(step, alone, id, from: source, to: formats), as: id)
    step.inputs = [id, node.inputs[1]]
    keep(try combine(step, ONEDNN_ADD, id, with: node.inputs[1]), as: id)
    step.inputs = [id]
    if convolution.appliesReLU { return try rectify(step) }
    guard let bounds = convolution.sumBounds else { return current(id) }
    return try apply(.clip(minimum: bounds.lower, maximum: bounds.upper), step)
  }

  private mutating func convolve(
    _ node: Graph.Node, _ convolution: Convolution, _ id: Graph.NodeID, from source: TensorFormat,
    to formats: ResultFormats
  ) throws(EngineError) -> Value {
    let input = lowered.shapes[node.inputs[0]]
    let (result, residual) = (formats.result, formats.residual)
    let given = convolution
    var convolution = convolution
    convolution.bounds = convolution.bounds?.scaled(by: 1 / result.scale)
    convolution.sumBounds = convolution.sumBounds?.scaled(by: 1 / result.scale)
    if source.isQuantized,
      let value = try convolveByIntegerKernel(
        node, convolution, id, from: source, to: result, residual: residual)
    {
      return value
    }
    if let value = try convolveByTiles(
      node, convolution, id, from: source, to: result, residual: residual)
    {
      return value
    }
    let clipsBeforeSum = convolution.addsResidual && convolution.bounds != nil
    // On integers a step of its own would cost up to a third of the speed.
    if clipsBeforeSum, !source.isQuantized {
      return try convolveThenAdd(node, given, id, from: source)
    }
    var attributes = onednn_convolution(
      convolution, batch: batch, input: input, output: lowered.shapes[id])
    attributes.source_number = source.number.code
    attributes.source_zero = source.zeroPoint
    attributes.destination_number = result.number.code
    attributes.residual_number = result.number.code
    if let residual {
      attributes.residual_number = residual.number.code
      attributes.residual_scale = residual.scale / result.scale
    }
    attributes.weights_number = source.weightNumber.code
    let (primitive, parameters) = try compile(
      node.name, outputCount: convolution.outputChannels, from: source, resultScale: result.scale
    ) { () throws(EngineError) in
      try lowered.parameters(of: node, convolution)
    } make: { weights, scales throws(EngineError) in
      try Primitive.convolution(device, attributes, scales: scales, weights: weights)
    }
    return try convolve(
      node, .primitive(primitive), parameters,
      from: (primitive.layout(of: ONEDNN_SOURCE), source),
      to: (primitive.layout(of: ONEDNN_DESTINATION), result), residual: residual,
      clipsSumAlone: clipsBeforeSum)
  }

  private mutating func convolve(
    _ node: Graph.Node, _ computation: Computation, _ parameters: PackedWeights.Layer,
    from wanted: (layout: Layout, format: TensorFormat),
    to result: (layout: Layout, format: TensorFormat), residual wantedResidual: TensorFormat?,
    clipsSumAlone: Bool = false
  ) throws(EngineError) -> Value {
    let source = try reordered(
      node.inputs[0], to: wanted.layout, wanted.format, for: node.name)
    let destination: Slot
    if let wantedResidual {
      destination = try residual(node, as: result.layout, wantedResidual)
    } else {
      destination = newBuffer(result.layout.byteCount)
    }
    append(
      node.name, computation, from: source, to: destination, parameters: parameters,
      clipsSumAlone: clipsSumAlone)
    return Value(slot: destination, layout: result.layout, format: result.format)
  }

  /// Returns the residual of a fused sum in memory that the sum may overwrite, in the order of the
  /// sum's layout.
  private mutating func residual(
    _ node: Graph.Node, as layout: Layout, _ format: TensorFormat
  ) throws(EngineError) -> Slot {
    let id = node.inputs[1]
    let value = current(id)
    let wanted = try layout.recast(format.number)
    if value.layout == wanted, value.format == format, isLastUse(id) { return value.slot }
    let copy = newBuffer(wanted.byteCount)
    let reorder = try Primitive.reorder(
      device, from: value.layout, to: wanted, scale: value.format.scale / format.scale)
    append("\(node.name) (residual)", reorder, from: value.slot, to: copy)
    return copy
  }

  // MARK: Winograd

  private func usesWinograd(_ convolution: Convolution, _ input: FeatureShape) -> Bool {
    switch options.winograd {
    case .never: false
    case .always: options.precision != .int8 && WinogradKernel.computes(convolution)
    case .measured:
      WinogradTable.pays(
        convolution, input: input, largestBatch: options.batchSizes.max() ?? 1,
        precision: options.precision)
    }
  }

  private mutating func convolveByWinograd(
    _ node: Graph.Node, _ convolution: Convolution, _ id: Graph.NodeID
  ) throws(EngineError) -> Value {
    let input = lowered.shapes[node.inputs[0]]
    let shape = lowered.shapes[id]
    let block = options.kernelInstructions.channelBlock
    // The kernel takes the input as it lies, if it can.
    let format = try format(of: id)
    let asItLies = try Layout(channelsLast: dimensions(input), format.number)
    let channelsLast =
      input.channels.isMultiple(of: block) && shape.channels.isMultiple(of: block)
      && current(node.inputs[0]).layout == asItLies
    let kernel = WinogradKernel(
      convolution, batch: batch, input: input, channelsLast: channelsLast,
      number: format.number, threads: options.threads, instructions: options.kernelInstructions)
    let parameters = try packed.layer(node.name) { () throws(EngineError) in
      try kernel.pack(lowered.parameters(of: node, convolution), for: node.name)
    }
    let channelsTogether = channelsLast ? 0 : block
    return try convolve(
      node, .kernel(kernel), parameters,
      from: (Layout(blocked: dimensions(input), by: channelsTogether, format.number), format),
      to: (Layout(blocked: dimensions(shape), by: channelsTogether, format.number), format),
      residual: convolution.addsResidual ? format : nil)
  }

  // MARK: Tiles

  /// Returns nil where our kernels cannot compute the convolution, or do not pay.
  private mutating func convolveByTiles(
    _ node: Graph.Node, _ convolution: Convolution, _ id: Graph.NodeID, from source: TensorFormat,
    to result: TensorFormat, residual: TensorFormat?
  ) throws(EngineError) -> Value? {
    let (input, shape) = (lowered.shapes[node.inputs[0]], lowered.shapes[id])
    let numbers = ConvolutionNumbers(
      source: source.number, destination: result.number,
      residual: residual.map { ($0.number, $0.scale / result.scale) })
    guard source.zeroPoint == 0,
      TileTable.pays(convolution, input: input, output: shape),
      let kernel = TileKernel(
        convolution, numbers, batch: batch, input: input, output: shape, threads: options.threads)
    else { return nil }
    let parameters = try pack(node.name, for: kernel, from: source, resultScale: result.scale) {
      () throws(EngineError) in
      try lowered.parameters(of: node, convolution)
    }
    return try convolve(
      node, .kernel(kernel), parameters,
      from: (Layout(channelsLast: dimensions(input), source.number), source),
      to: (Layout(channelsLast: dimensions(shape), result.number), result), residual: residual)
  }

  // MARK: Linear layers

  /// Plans a linear layer in fp32 as a convolution over its whole input; nil if there is no kernel.
  ///
  /// oneDNN's products of matrices for AVX2 sum an image's numbers in an order that depends on its
  /// place in the batch.
  mutating func multiplyByConvolution(
    _ node: Graph.Node, _ linear: Linear
  ) throws(EngineError) -> Value? {
    let input = lowered.shapes[node.inputs[0]]
    let attributes = onednn_convolution(
      linear.convolution(over: input), batch: batch, input: input,
      output: linear.convolutionOutput)
    do throws(EngineError) {
      let (primitive, parameters) = try compile(
        node.name, outputCount: linear.outputs, from: .fp32, resultScale: 1
      ) { () throws(EngineError) in
        try lowered.parameters(of: node, linear)
      } make: { weights, scales throws(EngineError) in
        try Primitive.convolution(device, attributes, scales: scales, weights: weights)
      }
      return try convolve(
        node, .primitive(primitive), parameters,
        from: (primitive.layout(of: ONEDNN_SOURCE), .fp32),
        to: (primitive.layout(of: ONEDNN_DESTINATION), .fp32), residual: nil)
    } catch .unimplemented {
      return nil
    }
  }

  // MARK: Integers

  /// Returns nil where our kernels do not pay beside oneDNN's.
  private mutating func convolveByIntegerKernel(
    _ node: Graph.Node, _ convolution: Convolution, _ id: Graph.NodeID, from source: TensorFormat,
    to result: TensorFormat, residual: TensorFormat?
  ) throws(EngineError) -> Value? {
    let (input, shape) = (lowered.shapes[node.inputs[0]], lowered.shapes[id])
    guard
      let (kernel, parameters) = try compileIntegerKernel(
        node.name, convolution, from: source, to: result, residual: residual, input: input,
        output: shape,
        parameters: { () throws(EngineError) in
          try lowered.parameters(of: node, convolution)
        })
    else { return nil }
    return try convolve(
      node, .kernel(kernel), parameters,
      from: (Layout(channelsLast: dimensions(input), source.number), source),
      to: (Layout(channelsLast: dimensions(shape), result.number), result), residual: residual)
  }

  /// Plans a linear layer as a convolution over its whole input; nil where oneDNN's kernels multiply
  /// bytes.
  mutating func multiplyByIntegerKernel(
    _ node: Graph.Node, _ linear: Linear, from source: TensorFormat
  ) throws(EngineError) -> Value? {
    let input = lowered.shapes[node.inputs[0]]
    guard
      let (kernel, parameters) = try compileIntegerKernel(
        node.name, linear.convolution(over: input), from: source, to: .fp32, residual: nil,
        input: input, output: linear.convolutionOutput,
        parameters: { () throws(EngineError) in
          try lowered.parameters(of: node, linear)
        })
    else { return nil }
    return try convolve(
      node, .kernel(kernel), parameters,
      from: (Layout(channelsLast: dimensions(input), source.number), source),
      to: (Layout(rowMajor: [batch, linear.outputs, 1, 1]), .fp32), residual: nil)
  }
}

extension Linear {
  /// Output of the layer as a convolution.
  var convolutionOutput: FeatureShape { FeatureShape(channels: outputs, height: 1, width: 1) }

  /// Returns the layer as a convolution over its whole input.
  func convolution(over input: FeatureShape) -> Convolution {
    var convolution = Convolution(
      outputChannels: outputs, kernel: Extent(height: input.height, width: input.width))
    convolution.hasBias = hasBias
    return convolution
  }
}
