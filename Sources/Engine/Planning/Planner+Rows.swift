import COneDNN
import ResNet

/// Operations on runs of an image's own numbers, and of a map's size.
extension Planner {
  /// Plans a normalisation of rows: a group's pixels lie together in planes, a pixel's channels
  /// with channels last.
  mutating func normalize(
    _ node: Graph.Node, _ normalization: SampleNormalization
  ) throws(EngineError) -> Value {
    let shape = lowered.shapes[node.inputs[0]]
    let layout: Layout
    let rowCount: Int
    switch normalization.scope {
    case .groups(let groups):
      layout = try rowMajor(shape)
      rowCount = batch * groups
    case .channels:
      layout = try Layout(channelsLast: dimensions(shape))
      rowCount = batch * shape.pixelCount
    }
    let primitive = try Primitive.rows(
      device, ONEDNN_NORMALIZATION, count: rowCount,
      length: batch * shape.elementCount / rowCount, epsilon: normalization.epsilon)
    return try applyToRows(node, primitive, layout)
  }

  /// Plans a softmax of runs of channels, which lie together with channels last.
  mutating func softmax(_ node: Graph.Node, size: Int) throws(EngineError) -> Value {
    let shape = lowered.shapes[node.inputs[0]]
    let primitive = try Primitive.rows(
      device, ONEDNN_SOFTMAX, count: batch * shape.elementCount / size, length: size)
    return try applyToRows(node, primitive, Layout(channelsLast: dimensions(shape)))
  }

  /// Plans a function of rows, in single precision whatever the network's, for their sums.
  private mutating func applyToRows(
    _ node: Graph.Node, _ primitive: Primitive, _ layout: Layout
  ) throws(EngineError) -> Value {
    let id = node.inputs[0]
    let source = try reordered(id, to: layout, .fp32, for: node.name)
    let destination = isLastUse(id) ? source : newBuffer(layout.byteCount)
    append(node.name, primitive, from: source, to: destination)
    return Value(slot: destination, layout: layout, format: .fp32)
  }

  /// Plans a border: the map is reordered to its place, and then columns and rows of the result to
  /// theirs.
  mutating func surround(
    _ node: Graph.Node, _ padding: Padding, _ border: Border, _ shape: FeatureShape
  ) throws(EngineError) -> Value {
    let input = lowered.shapes[node.inputs[0]]
    let source = current(node.inputs[0])
    let layout = try Layout(channelsLast: dimensions(shape), source.format.number)
    let destination = newBuffer(layout.byteCount)
    let (top, left) = (padding.before.height, padding.before.width)
    let (bottom, right) = (top + input.height, left + input.width)
    let (rows, columns) = (top..<bottom, 0..<shape.width)
    let whole = try Primitive.reorder(
      device, from: source.layout, to: layout.pixels(rows: rows, columns: left..<right))
    append(node.name, whole, from: source.slot, to: destination)
    func move(_ from: Layout, _ to: Layout) throws(EngineError) {
      append(
        node.name, try Primitive.reorder(device, from: from, to: to), from: destination,
        to: destination)
    }
    for (from, to) in border.moves(into: left..<right, of: shape.width) {
      try move(
        layout.pixels(rows: rows, columns: from..<from + 1),
        layout.pixels(rows: rows, columns: to..<to + 1))
    }
    for (from, to) in border.moves(into: top..<bottom, of: shape.height) {
      try move(
        layout.pixels(rows: from..<from + 1, columns: columns),
        layout.pixels(rows: to..<to + 1, columns: columns))
    }
    return Value(slot: destination, layout: layout, format: source.format)
  }

  mutating func resize(
    _ node: Graph.Node, _ resizing: Resizing, _ shape: FeatureShape
  ) throws(EngineError) -> Value {
    let id = node.inputs[0]
    let (device, target) = (device, dimensions(shape))
    _ = try floatingPoint(id, for: node.name)
    let (source, primitive) = try arranged(id, for: node.name) { source throws(EngineError) in
      try Primitive.resizing(
        device, resizing.method, from: source.layout,
        to: Layout(channelsLast: target, source.format.number))
    }
    let layout = try Layout(channelsLast: target, source.format.number)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: source.slot, to: destination)
    return Value(slot: destination, layout: layout, format: source.format)
  }

  /// Plans channels that become pixels: with channels last, rows of blocks change places with their
  /// columns, in one reorder.
  mutating func spreadChannels(
    _ node: Graph.Node, _ block: Extent, _ shape: FeatureShape
  ) throws(EngineError) -> Value {
    let id = node.inputs[0]
    let (input, format) = (lowered.shapes[id], current(id).format)
    let lying = try Layout(channelsLast: dimensions(input), format.number)
    let source = try reordered(id, to: lying, format, for: node.name)
    let run = block.width * shape.channels
    // Rows of the map, rows of a block, columns of the map, numbers of a block's row.
    let sizes = [batch * input.height, block.height, input.width, run]
    let strides = [input.width * input.channels, run, input.channels, 1]
    let primitive = try Primitive.reorder(
      device, from: Layout(sizes, strides: strides, format.number),
      to: Layout(rowMajor: sizes, format.number))
    let layout = try Layout(channelsLast: dimensions(shape), format.number)
    let destination = newBuffer(layout.byteCount)
    append(node.name, primitive, from: source, to: destination)
    return Value(slot: destination, layout: layout, format: format)
  }
}

extension Border {
  /// Returns from where each place outside of a range takes its pixels.
  fileprivate func moves(into inner: Range<Int>, of count: Int) -> [(from: Int, to: Int)] {
    let (first, last) = (inner.lowerBound, inner.upperBound - 1)
    return (0..<count).filter { !inner.contains($0) }.map { place in
      let isBefore = place < first
      let from =
        switch self {
        case .reflect: isBefore ? 2 * first - place : 2 * last - place
        case .edge: isBefore ? first : last
        case .wrap: isBefore ? place + inner.count : place - inner.count
        }
      return (from, place)
    }
  }
}

extension Combination {
  var kind: onednn_combination_kind {
    switch self {
    case .subtract: ONEDNN_SUBTRACT
    case .divide: ONEDNN_DIVIDE
    case .minimum: ONEDNN_MINIMUM_OF_TWO
    case .maximum: ONEDNN_MAXIMUM_OF_TWO
    }
  }
}
