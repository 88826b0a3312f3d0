import COneDNN
import ResNet

/// Turns a lowered graph into the steps of one batch size.
///
/// Convolutions choose their layouts; a reorder goes in only where a producer's layout is not the one wanted. A sum
/// is made in the residual's own memory where this is its last use.
struct Planner {
  private let device: Device
  private let lowered: LoweredGraph
  private let batch: Int
  private let options: CompilationOptions
  private let packed: PackedWeights

  private var steps: [Step] = []
  private var buffers: [ArenaLayout.Buffer] = []
  private var values: [Value?]
  /// How many readers of each node's output are still to come.
  private var remainingReaders: [Int]

  /// A node's output: where it lies and how.
  private struct Value {
    var slot: Slot
    var layout: Layout
  }

  init(
    _ device: Device, _ lowered: LoweredGraph, batch: Int, options: CompilationOptions,
    packed: PackedWeights
  ) {
    self.device = device
    self.lowered = lowered
    self.batch = batch
    self.options = options
    self.packed = packed
    values = Array(repeating: nil, count: lowered.graph.nodes.count)
    remainingReaders = lowered.graph.readerCounts()
  }

  /// Every primitive compiled, every layer packed that was not yet, every buffer placed.
  mutating func plan() throws(EngineError) -> Plan {
    let input = try rowMajor(lowered.shapes[0])
    let inputSlot = newBuffer(input.byteCount)
    values[0] = Value(slot: inputSlot, layout: input)
    for (id, node) in lowered.graph.nodes.enumerated().dropFirst() {
      values[id] = try value(of: node, shape: lowered.shapes[id])
      for input in node.inputs { remainingReaders[input] -= 1 }
    }
    let output = try outputSlot()
    // The caller reads the output when the last step has run.
    buffers[output.buffer].lifetime = buffers[output.buffer].lifetime.lowerBound...steps.count
    let arena = ArenaLayout(buffers)
    return Plan(
      batch: batch, steps: steps, offsets: arena.offsets, arenaByteCount: arena.byteCount,
      scratchpadByteCount: steps.map(\.computation.scratchpadByteCount).max() ?? 0,
      input: inputSlot, output: output)
  }

  private mutating func value(
    of node: Graph.Node, shape: FeatureShape
  ) throws(EngineError) -> Value {
    switch node.operation {
    case .convolution(let convolution): return try convolve(node, convolution, shape)
    case .linear(let linear): return try multiply(node, linear)
    case .maxPool(let pooling): return try pool(node, pooling, shape, kind: ONEDNN_MAXIMUM)
    case .averagePool(let pooling):
      return try pool(
        node, pooling, shape,
        kind: pooling.countsPadding ? ONEDNN_AVERAGE_WITH_PADDING : ONEDNN_AVERAGE_WITHOUT_PADDING)
    case .globalAveragePool:
      let input = lowered.shapes[node.inputs[0]]
      let window = Extent(height: input.height, width: input.width)
      return try pool(
        node, Pooling(window: window, stride: Extent(1)), shape,
        kind: ONEDNN_AVERAGE_WITHOUT_PADDING)
    case .relu:
      let source = current(node.inputs[0])
      let primitive = try Primitive.relu(device, source.layout)
      let destination =
        isLastUse(node.inputs[0]) ? source.slot : newBuffer(source.layout.byteCount)
      append(node.name, primitive, from: source.slot, to: destination)
      return Value(slot: destination, layout: source.layout)
    case .add: return try add(node)
    case .input, .batchNormalization, .paddedShortcut:
      preconditionFailure("\(node.name) is not part of a lowered graph")
    }
  }

  // MARK: Operations

  private mutating func convolve(
    _ node: Graph.Node, _ convolution: Convolution, _ shape: FeatureShape
  ) throws(EngineError) -> Value {
    let input = lowered.shapes[node.inputs[0]]
    if usesWinograd(convolution, input) {
      return try convolveByWinograd(node, convolution, input, shape)
    }
    let attributes = onednn_convolution(convolution, batch: batch, input: input, output: shape)
    let primitive = try sharingWeights(of: node.name) { weights throws(EngineError) in
      try Primitive.convolution(device, attributes, weights: weights)
    }
    let parameters = try packed.layer(node.name, as: primitive.layout(of: ONEDNN_WEIGHTS)) {
      () throws(EngineError) in try lowered.parameters(of: node, convolution)
    }
    return try convolve(
      node, convolution, .primitive(primitive), parameters,
      from: primitive.layout(of: ONEDNN_SOURCE), to: primitive.layout(of: ONEDNN_DESTINATION))
  }

  private mutating func convolveByWinograd(
    _ node: Graph.Node, _ convolution: Convolution, _ input: FeatureShape, _ shape: FeatureShape
  ) throws(EngineError) -> Value {
    let block = options.kernelInstructions.channelBlock
    // The kernel takes the input as it lies, where it can.
    let asItLies = try Layout(channelsLast: dimensions(input))
    let channelsLast =
      input.channels.isMultiple(of: block) && shape.channels.isMultiple(of: block)
      && current(node.inputs[0]).layout == asItLies
    let kernel = WinogradKernel(
      convolution, batch: batch, input: input, channelsLast: channelsLast,
      threads: options.threads, instructions: options.kernelInstructions)
    let parameters = try packed.layer(node.name, for: kernel) { () throws(EngineError) in
      try lowered.parameters(of: node, convolution)
    }
    let channelsTogether = channelsLast ? 0 : block
    return try convolve(
      node, convolution, .winograd(kernel), parameters,
      from: Layout(blocked: dimensions(input), by: channelsTogether),
      to: Layout(blocked: dimensions(shape), by: channelsTogether))
  }

  private mutating func convolve(
    _ node: Graph.Node, _ convolution: Convolution, _ computation: Computation,
    _ parameters: PackedWeights.Layer, from wanted: Layout, to layout: Layout
  ) throws(EngineError) -> Value {
    let source = try reordered(node.inputs[0], to: wanted, for: node.name)
    let destination: Slot
    if convolution.addsResidual {
      destination = try residual(node, as: layout)
    } else {
      destination = newBuffer(layout.byteCount)
    }
    append(node.name, computation, from: source, to: destination, parameters: parameters)
    return Value(slot: destination, layout: layout)
  }

  /// The residual of a fused sum in memory that the sum may overwrite.
  private mutating func residual(
    _ node: Graph.Node, as layout: Layout
  ) throws(EngineError) -> Slot {
    let id = node.inputs[1]
    let value = current(id)
    if value.layout == layout, isLastUse(id) { return value.slot }
    let copy = newBuffer(layout.byteCount)
    let reorder = try Primitive.reorder(device, from: value.layout, to: layout)
    append("\(node.name) (residual)", reorder, from: value.slot, to: copy)
    return copy
  }

  private mutating func add(_ node: Graph.Node) throws(EngineError) -> Value {
    let first = current(node.inputs[0])
    let second = try reordered(node.inputs[1], to: first.layout, for: node.name)
    let primitive = try Primitive.addition(device, first.layout)
    let destination =
      isLastUse(node.inputs[0]) ? first.slot : newBuffer(first.layout.byteCount)
    append(node.name, primitive, from: first.slot, to: destination, addend: second)
    return Value(slot: destination, layout: first.layout)
  }

  private mutating func pool(
    _ node: Graph.Node, _ pooling: Pooling, _ shape: FeatureShape, kind: onednn_pooling_kind
  ) throws(EngineError) -> Value {
    let source = current(node.inputs[0])
    let id = node.inputs[0]
    let attributes = onednn_pooling(
      pooling, kind: kind, batch: batch, input: lowered.shapes[id], output: shape)
    let primitive = try Primitive.pooling(device, attributes, source: source.layout)
    let layout = try primitive.layout(of: ONEDNN_DESTINATION)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: source.slot, to: destination)
    return Value(slot: destination, layout: layout)
  }

  private mutating func multiply(
    _ node: Graph.Node, _ linear: Linear
  ) throws(EngineError) -> Value {
    let source = lowered.shapes[node.inputs[0]]
    let shape = [linear.outputs, source.channels, source.height, source.width]
    let primitive = try sharingWeights(of: node.name) { weights throws(EngineError) in
      try Primitive.linear(
        device, batch: batch, weightShape: shape, hasBias: linear.hasBias, weights: weights)
    }
    let wanted = try primitive.layout(of: ONEDNN_SOURCE)
    let input = try reordered(node.inputs[0], to: wanted, for: node.name)
    let parameters = try packed.layer(node.name, as: primitive.layout(of: ONEDNN_WEIGHTS)) {
      () throws(EngineError) in try lowered.parameters(of: node, linear)
    }
    let layout = try primitive.layout(of: ONEDNN_DESTINATION)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: input, to: destination, parameters: parameters)
    return Value(slot: destination, layout: layout)
  }

  // MARK: Primitives and their weights

  private func usesWinograd(_ convolution: Convolution, _ input: FeatureShape) -> Bool {
    switch options.winograd {
    case .never: false
    case .always: WinogradKernel.computes(convolution)
    case .measured:
      WinogradTable.pays(
        convolution, input: input, largestBatch: options.batchSizes.max() ?? 1)
    }
  }

  /// The primitive for weights as they are packed already, or where there is none for the layout it chooses.
  private func sharingWeights(
    of name: String, _ make: (Layout?) throws(EngineError) -> Primitive
  ) throws(EngineError) -> Primitive {
    guard let layout = packed.layout(of: name) else { return try make(nil) }
    do throws(EngineError) {
      return try make(layout)
    } catch .unimplemented {
      return try make(nil)
    }
  }

  // MARK: Values and buffers

  private func current(_ id: Graph.NodeID) -> Value {
    guard let value = values[id] else { preconditionFailure("inputs come before their user") }
    return value
  }

  private func isLastUse(_ id: Graph.NodeID) -> Bool { remainingReaders[id] == 1 }

  private func dimensions(_ shape: FeatureShape) -> [Int] {
    [batch, shape.channels, shape.height, shape.width]
  }

  private func rowMajor(_ shape: FeatureShape) throws(EngineError) -> Layout {
    try Layout(rowMajor: dimensions(shape))
  }

  /// A node's output in the layout wanted; where it had to be reordered, later readers find it so too.
  private mutating func reordered(
    _ id: Graph.NodeID, to layout: Layout, for name: String
  ) throws(EngineError) -> Slot {
    let value = current(id)
    guard value.layout != layout else { return value.slot }
    let slot = newBuffer(layout.byteCount)
    let primitive = try Primitive.reorder(device, from: value.layout, to: layout)
    append("\(name) (reorder)", primitive, from: value.slot, to: slot)
    values[id] = Value(slot: slot, layout: layout)
    return slot
  }

  /// The network's output as `[N, outputs]`, reordered if the last operation left it otherwise.
  private mutating func outputSlot() throws(EngineError) -> Slot {
    let id = lowered.graph.output
    let value = current(id)
    let shape = lowered.shapes[id]
    let flat = try Layout(rowMajor: [batch, shape.elementCount])
    if value.layout == flat { return value.slot }
    return try reordered(id, to: rowMajor(shape), for: "output")
  }

  private mutating func newBuffer(_ byteCount: Int) -> Slot {
    buffers.append(ArenaLayout.Buffer(byteCount: byteCount, lifetime: steps.count...steps.count))
    return Slot(buffer: buffers.count - 1)
  }

  private mutating func append(
    _ name: String, _ primitive: Primitive, from source: Slot, to destination: Slot,
    addend: Slot? = nil, parameters: PackedWeights.Layer? = nil
  ) {
    append(
      name, .primitive(primitive), from: source, to: destination, addend: addend,
      parameters: parameters)
  }

  private mutating func append(
    _ name: String, _ computation: Computation, from source: Slot, to destination: Slot,
    addend: Slot? = nil, parameters: PackedWeights.Layer? = nil
  ) {
    for slot in [source, destination, addend].compactMap(\.self) {
      let start = buffers[slot.buffer].lifetime.lowerBound
      buffers[slot.buffer].lifetime = start...steps.count
    }
    steps.append(
      Step(
        name: name, computation: computation, source: source, addend: addend,
        destination: destination, parameters: parameters))
  }
}
