import COneDNN
import ResNet

/// Planner that turns a lowered graph into the steps of one batch size.
///
/// Convolutions choose their layouts; a reorder is inserted only if a producer's layout is not the
/// wanted one. A sum is computed in the residual's own memory if this is its last use.
struct Planner {
  let device: Device
  let lowered: LoweredGraph
  /// Images of the whole plan.
  private let planBatch: Int
  /// Images that each step of the section being planned takes.
  private(set) var batch: Int
  let options: CompilationOptions
  let packed: PackedWeights

  private var sections: [Section] = []
  /// Steps of all sections.
  private var steps: [Step] = []
  private var buffers: [ArenaLayout.Buffer] = []
  private var values: [Value?]
  /// Readers of each node's output that are still to come.
  private var remainingReaders: [Int]
  /// Whether no number of a node's output is below zero, by node.
  let isNonnegative: [Bool]
  /// Outputs of taps as they were computed, by node: what reads them may want them in other numbers.
  private var tapped: [Graph.NodeID: Value] = [:]

  /// Output of a node: its place, layout and format.
  struct Value {
    var slot: Slot
    var layout: Layout
    var format: TensorFormat
  }

  init(
    _ device: Device, _ lowered: LoweredGraph, batch: Int, options: CompilationOptions,
    packed: PackedWeights
  ) {
    self.device = device
    self.lowered = lowered
    planBatch = batch
    self.batch = batch
    self.options = options
    self.packed = packed
    values = Array(repeating: nil, count: lowered.graph.nodes.count)
    remainingReaders = lowered.graph.readerCounts()
    isNonnegative = lowered.graph.nonnegativeOutputs()
  }

  /// Compiles every computation, packs every layer that is not packed yet, and places every buffer.
  mutating func plan() throws(EngineError) -> Plan {
    let boundary = planBatch > 1 ? sectionBoundary : nil
    if boundary != nil { batch = 1 }
    let inputFormat = options.input == .pixels ? try format(of: 0) : .fp32
    let input =
      options.input == .pixels
      ? try Layout(channelsLast: dimensions(lowered.shapes[0]), inputFormat.number)
      : try rowMajor(lowered.shapes[0])
    let inputSlot = newBuffer(input.byteCount * (planBatch / batch))
    values[0] = Value(slot: inputSlot, layout: input, format: inputFormat)
    let imageByteCount = input.byteCount / batch
    for (id, node) in lowered.graph.nodes.enumerated().dropFirst() {
      if let deadline = options.deadline, .now > deadline { throw .outOfTime }
      if options.isCancelled() { throw .cancelled }
      values[id] = try value(of: node, id)
      for input in node.inputs { remainingReaders[input] -= 1 }
      if id == boundary { try endSection(at: id, inputSlot, imageByteCount) }
      if lowered.taps.contains(id) { tapped[id] = current(id) }
    }
    let output = try outputSlot()
    sections.append(
      Section(
        steps: Array(steps[(sections.last?.steps.count ?? 0)...]), repetitions: 1, strides: [:]))
    let taps = try tapReadings()
    // The caller reads the output when the last step has run, and so it does what is tapped.
    let read = Set(taps.flatMap { [$0.slot.buffer, $0.step?.source.buffer] } + [output.buffer])
    let isKept = { [options] in read.contains($0) || options.keepsActivations }
    for buffer in buffers.indices where isKept(buffer) {
      buffers[buffer].lifetime = buffers[buffer].lifetime.lowerBound...steps.count
    }
    let arena = ArenaLayout(buffers)
    return Plan(
      batch: planBatch, sections: sections, offsets: arena.offsets, arenaByteCount: arena.byteCount,
      scratchpadByteCount: steps.map(\.computation.scratchpadByteCount).max() ?? 0,
      input: inputSlot, inputFormat: inputFormat, output: output,
      activations: options.keepsActivations ? activations : [], taps: taps)
  }

  /// Boundary of the section that runs image by image; nil if a tap lies before it, where only the
  /// last image's output would be left.
  private var sectionBoundary: Graph.NodeID? {
    guard let boundary = SectionBoundary.node(in: lowered.graph, lowered.shapes),
      lowered.taps.allSatisfy({ $0 >= boundary })
    else { return nil }
    return boundary
  }

  /// Plans how the outputs of taps are read, by steps that belong to no section.
  private mutating func tapReadings() throws(EngineError) -> [Plan.Tap] {
    var readings: [Plan.Tap] = []
    for id in lowered.taps {
      guard let value = tapped[id] else { preconditionFailure("a tap must have been planned") }
      let layout = try rowMajor(lowered.shapes[id])
      var reading = Plan.Tap(
        step: nil, slot: value.slot, elementCount: lowered.shapes[id].elementCount)
      if value.layout != layout || value.format != .fp32 {
        reading.slot = newBuffer(layout.byteCount)
        let primitive = try Primitive.reorder(
          device, from: value.layout, to: layout, scale: value.format.scale,
          sourceZero: value.format.zeroPoint)
        append(
          "\(lowered.graph.nodes[id].resultName) (tap)", primitive, from: value.slot,
          to: reading.slot)
        reading.step = steps.last
      }
      readings.append(reading)
    }
    return readings
  }

  /// Ends the section that runs image by image, at the one node whose output is read later: it is
  /// gathered for the whole batch, which the next section takes at once.
  private mutating func endSection(
    at id: Graph.NodeID, _ input: Slot, _ inputByteCount: Int
  ) throws(EngineError) {
    let shape = lowered.shapes[id]
    let number = current(id).format.number
    func inOrder(_ block: Int) throws(EngineError) -> Layout {
      try Layout(blocked: dimensions(shape), by: block, number)
    }
    // In an order with the images outermost, the batch is simply its images in a row.
    let block = try channelBlock(of: id) ?? 0
    let slot = try reordered(id, to: inOrder(block), current(id).format, for: "batch")
    let imageByteCount = current(id).layout.byteCount
    buffers[slot.buffer].byteCount = imageByteCount * planBatch
    let strides = [input: inputByteCount, slot: imageByteCount]
    // Both live through all repetitions.
    for whole in strides.keys { buffers[whole.buffer].lifetime = 0...steps.count }
    sections.append(Section(steps: steps, repetitions: planBatch, strides: strides))
    batch = planBatch
    values[id] = Value(slot: slot, layout: try inOrder(block), format: current(id).format)
  }

  private var activations: [Plan.Activation] {
    zip(lowered.graph.nodes, values).compactMap { node, value in
      value.map {
        Plan.Activation(name: node.name, slot: $0.slot, byteCount: $0.layout.byteCount)
      }
    }
  }

  private mutating func value(
    of node: Graph.Node, _ id: Graph.NodeID
  ) throws(EngineError) -> Value {
    let shape = lowered.shapes[id]
    switch node.operation {
    case .convolution(let convolution): return try convolve(node, convolution, id)
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
    case .relu: return try rectify(node)
    case .elementwise(let function): return try apply(function, node)
    case .multiply: return try scale(node, shape)
    case .add: return try combine(node, ONEDNN_ADD, node.inputs[0], with: node.inputs[1])
    case .combine(let combination):
      return try combine(node, combination.kind, node.inputs[0], with: node.inputs[1])
    case .normalization(let normalization): return try normalize(node, normalization)
    case .softmax(let size): return try softmax(node, size: size)
    case .resize(let resizing): return try resize(node, resizing, shape)
    case .depthToSpace(let block): return try spreadChannels(node, block, shape)
    case .border(let padding, let border): return try surround(node, padding, border, shape)
    case .concatenation: return try concatenate(node, id)
    case .input, .batchNormalization, .pad, .paddedShortcut:
      preconditionFailure("a lowered graph must not contain \(node.name)")
    }
  }

  // MARK: Values and buffers

  func current(_ id: Graph.NodeID) -> Value {
    guard let value = values[id] else {
      preconditionFailure("inputs must come before the node that reads them")
    }
    return value
  }

  /// Sets a node's output, which is to be there before its step is complete.
  mutating func keep(_ value: Value, as id: Graph.NodeID) { values[id] = value }

  func isLastUse(_ id: Graph.NodeID) -> Bool {
    remainingReaders[id] == 1 && !options.keepsActivations && !lowered.taps.contains(id)
  }

  func dimensions(_ shape: FeatureShape) -> [Int] {
    [batch, shape.channels, shape.height, shape.width]
  }

  /// Returns the channels of a node's output that lie next to each other: 8, 16, or 0 for all; nil if
  /// it lies otherwise.
  func channelBlock(of id: Graph.NodeID) throws(EngineError) -> Int? {
    let value = current(id)
    for block in [0, 16, 8] {
      let layout = try Layout(
        blocked: dimensions(lowered.shapes[id]), by: block, value.format.number)
      if layout == value.layout { return block }
    }
    return nil
  }

  func rowMajor(_ shape: FeatureShape) throws(EngineError) -> Layout {
    try Layout(rowMajor: dimensions(shape))
  }

  /// Returns a node's output in the wanted layout and format; if it has to be reordered, later
  /// readers find it so too.
  mutating func reordered(
    _ id: Graph.NodeID, to layout: Layout, _ format: TensorFormat, for name: String
  ) throws(EngineError) -> Slot {
    let value = current(id)
    if value.layout == layout, value.format == format { return value.slot }
    let slot = newBuffer(layout.byteCount)
    let primitive = try Primitive.reorder(
      device, from: value.layout, to: layout, scale: value.format.scale / format.scale,
      sourceZero: value.format.zeroPoint, destinationZero: format.zeroPoint)
    append("\(name) (reorder)", primitive, from: value.slot, to: slot)
    values[id] = Value(slot: slot, layout: layout, format: format)
    return slot
  }

  /// Returns the network's output as `[N, outputs]` in fp32, reordered if the last operation left
  /// it otherwise.
  private mutating func outputSlot() throws(EngineError) -> Slot {
    let id = lowered.graph.output
    return try reordered(id, to: rowMajor(lowered.shapes[id]), .fp32, for: "output")
  }

  mutating func newBuffer(_ byteCount: Int) -> Slot {
    buffers.append(ArenaLayout.Buffer(byteCount: byteCount, lifetime: steps.count...steps.count))
    return Slot(buffer: buffers.count - 1)
  }

  mutating func append(
    _ name: String, _ primitive: Primitive, from source: Slot, to destination: Slot,
    addend: Slot? = nil, parameters: PackedWeights.Layer? = nil
  ) {
    append(
      name, .primitive(primitive), from: source, to: destination, addend: addend,
      parameters: parameters)
  }

  mutating func append(
    _ name: String, _ computation: Computation, from source: Slot, to destination: Slot,
    addend: Slot? = nil, parameters: PackedWeights.Layer? = nil, clipsSumAlone: Bool = false
  ) {
    for slot in [source, destination, addend].compactMap(\.self) {
      let start = buffers[slot.buffer].lifetime.lowerBound
      buffers[slot.buffer].lifetime = start...steps.count
    }
    steps.append(
      Step(
        name: name, computation: computation, source: source, addend: addend,
        destination: destination, parameters: parameters, clipsSumAlone: clipsSumAlone))
  }
}
