extension Evaluator {
  /// Operators that move elements and compute nothing.
  static let selectionOperators: [String: Operator] = [
    "Transpose": transpose, "Gather": gather, "Concat": concatenate, "Split": split,
    "Slice": slice, "Expand": expand, "Pad": pad,
    "SpaceToDepth": { call throws(ONNXError) in
      let (size, shape) = try blocks(call)
      guard shape[2].isMultiple(of: size), shape[3].isMultiple(of: size) else {
        throw call.fault("blocks of \(size)x\(size) in an input of shape \(shape)")
      }
      let (rows, columns) = (shape[2] / size, shape[3] / size)
      return try permuted(
        call, parts: [shape[0], shape[1], rows, size, columns, size], order: [0, 3, 5, 1, 2, 4],
        to: [shape[0], shape[1] * size * size, rows, columns])
    },
    "DepthToSpace": { call throws(ONNXError) in
      let (size, shape) = try blocks(call)
      guard shape[1].isMultiple(of: size * size) else {
        throw call.fault("blocks of \(size)x\(size) from an input of shape \(shape)")
      }
      let channels = shape[1] / (size * size)
      let new = [shape[0], channels, shape[2] * size, shape[3] * size]
      switch try call.string("mode", default: "DCR") {
      case "DCR":
        return try permuted(
          call, parts: [shape[0], size, size, channels, shape[2], shape[3]],
          order: [0, 3, 4, 1, 5, 2], to: new)
      case "CRD":
        return try permuted(
          call, parts: [shape[0], channels, size, size, shape[2], shape[3]],
          order: [0, 1, 4, 2, 5, 3], to: new)
      default: throw call.fault("mode is neither \"DCR\" nor \"CRD\"")
      }
    },
  ]

  /// Returns the side of the blocks that become channels, or come from them, and the input's shape.
  private static func blocks(_ call: NodeCall) throws(ONNXError) -> (size: Int, shape: [Int]) {
    let input = try call.input(0)
    let size = try call.integer("blocksize", default: 0)
    guard 1...ONNXLimits.attributeLimit ~= size, input.rank == 4 else {
      throw call.fault("blocksize \(size) for an input of shape \(input.shape)")
    }
    return (size, input.shape)
  }

  /// Parts the dimensions, puts the parts in another order and joins them.
  private static func permuted(
    _ call: NodeCall, parts: [Int], order: [Int], to shape: [Int]
  ) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    try call.allow(shape)
    let steps = StridedView.steps(parts)
    let view = StridedView(shape: order.map { parts[$0] }, steps: order.map { steps[$0] })
    return [input.picking(view.offsets, shape: shape)]
  }

  private static func transpose(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let order = try call.integerList("perm") ?? Array((0..<input.rank).reversed())
    guard order.sorted() == Array(0..<input.rank) else {
      throw call.fault("perm \(order.prefix(16)) is not an order of \(input.rank) dimensions")
    }
    try call.allow(input.shape)
    let steps = StridedView.steps(input.shape)
    let view = StridedView(shape: order.map { input.shape[$0] }, steps: order.map { steps[$0] })
    return [input.picking(view.offsets, shape: view.shape)]
  }

  private static func gather(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let indices = try call.input(1)
    let axis = try call.axis(call.integer("axis", default: 0), rank: input.rank)
    guard let wanted = indices.integers else { throw call.fault("the indices are not integers") }
    let size = input.shape[axis]
    var places: [Int] = []
    for index in wanted {
      let place = index < 0 ? Int(index) + size : Int(index)
      guard 0..<size ~= place else {
        throw call.fault("index \(index) is out of range for \(size) elements")
      }
      places.append(place)
    }
    let shape = try call.allow(
      Array(input.shape[..<axis]) + indices.shape + Array(input.shape[(axis + 1)...]))
    let inner = input.shape[(axis + 1)...].reduce(1, *)
    let outer = input.shape[..<axis].reduce(1, *)
    var offsets: [Int] = []
    for block in 0..<outer {
      for place in places {
        let start = (block * size + place) * inner
        offsets.append(contentsOf: start..<start + inner)
      }
    }
    return [input.picking(offsets, shape: shape)]
  }

  private static func concatenate(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let first = try call.input(0)
    let axis = try call.axis(call.integer("axis", default: 1), rank: first.rank)
    var shape = first.shape
    shape[axis] = 0
    var parts: [DenseTensor] = []
    for index in call.inputs.indices {
      let part = try call.input(index)
      try call.sameType(first, part)
      var other = part.shape
      guard part.rank == first.rank else {
        throw call.fault("shapes \(first.shape) and \(part.shape) differ in rank")
      }
      other[axis] = first.shape[axis]
      guard other == first.shape else {
        throw call.fault("shapes \(first.shape) and \(part.shape) differ beside axis \(axis)")
      }
      shape[axis] += part.shape[axis]
      parts.append(part)
    }
    try call.allow(shape)
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    func joined<Number>(_ lists: [[Number]]) -> [Number] {
      (0..<outer).flatMap { block in
        zip(lists, parts).flatMap { list, part in
          let count = part.shape[axis] * inner
          return list[(block * count)..<(block + 1) * count]
        }
      }
    }
    if first.elementType.isFloatingPoint {
      return [DenseTensor(first.elementType, shape, joined(parts.map(\.doubles)))]
    }
    return [DenseTensor(first.elementType, shape, joined(parts.compactMap(\.integers)))]
  }

  /// Computes Split. Sizes are an attribute before operator set 13, an input since. Without them
  /// the parts are equal, except for a smaller last one, which set 18 allows.
  private static func split(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let axis = try call.axis(call.integer("axis", default: 0), rank: input.rank)
    let size = input.shape[axis]
    let count = call.node.outputs.count
    let given = try call.opset < 13 ? call.integerList("split") : call.optionalIntegers(1)
    let part = (size + count - 1) / count
    let sizes = given ?? [Int](repeating: part, count: count - 1) + [size - part * (count - 1)]
    var view = StridedView(input.shape)
    var parts: [DenseTensor] = []
    var end = 0
    for partSize in sizes {
      guard 0...(size - end) ~= partSize else { break }
      view.base = end * view.steps[axis]
      view.shape[axis] = partSize
      end += partSize
      try call.allow(view.shape)
      parts.append(input.picking(view.offsets, shape: view.shape))
    }
    guard end == size, parts.count == sizes.count, sizes.count == count else {
      throw call.fault(
        "parts \(sizes.prefix(8)) do not fit a dimension of \(size) and \(count) outputs")
    }
    return parts
  }

  /// Computes Expand; sizes of 1 stretch, on either side.
  private static func expand(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let wanted = try call.integers(1)
    guard let shape = StridedView.broadcast(input.shape, wanted) else {
      throw call.fault("shape \(input.shape) cannot be broadcast with \(wanted)")
    }
    try call.allow(shape)
    return [
      input.picking(StridedView(input.shape, broadcastTo: shape).offsets, shape: shape)
    ]
  }

  /// Computes Slice. Starts, ends and axes are attributes before operator set 10, inputs with steps
  /// since.
  private static func slice(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let usesInputs = call.opset >= 10
    let starts = try usesInputs ? call.integers(1) : call.integerList("starts") ?? []
    let ends = try usesInputs ? call.integers(2) : call.integerList("ends") ?? []
    let listed = try usesInputs ? call.optionalIntegers(3) : call.integerList("axes")
    let strides = try usesInputs ? call.optionalIntegers(4) : nil
    let axes = try call.axes(listed ?? Array(starts.indices), rank: input.rank)
    guard starts.count == axes.count, ends.count == axes.count,
      (strides ?? axes).count == axes.count
    else { throw call.fault("starts, ends, axes and steps differ in length") }
    var view = StridedView(input.shape)
    for (place, axis) in axes.enumerated() {
      let size = input.shape[axis]
      let limit = ONNXLimits.attributeLimit
      let step = max(-limit, min(limit, strides?[place] ?? 1))
      guard step != 0 else { throw call.fault("a step is 0") }
      func bound(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        max(range.lowerBound, min(range.upperBound, value < 0 ? value + size : value))
      }
      let start: Int
      let count: Int
      if step > 0 {
        start = bound(starts[place], 0...size)
        count = max(0, (bound(ends[place], 0...size) - start + step - 1) / step)
      } else if size == 0 {
        (start, count) = (0, 0)
      } else {
        start = bound(starts[place], 0...size - 1)
        count = max(0, (start - bound(ends[place], -1...size - 1) - step - 1) / -step)
      }
      view.base += start * view.steps[axis]
      view.shape[axis] = count
      view.steps[axis] *= step
    }
    try call.allow(view.shape)
    return [input.picking(view.offsets, shape: view.shape)]
  }

  /// Computes Pad. Pads and value are attributes before operator set 11, inputs since; negative
  /// pads cut.
  private static func pad(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let rank = input.rank
    let pads = try pads(call, rank: rank)
    let mode = try call.string("mode", default: "constant")
    let limit = ONNXLimits.attributeLimit
    guard pads.count == 2 * rank, pads.allSatisfy({ -limit...limit ~= $0 }) else {
      throw call.fault("it has \(pads.count) pads for \(rank) dimensions, or one beyond \(limit)")
    }
    var filler: DenseTensor?
    if call.opset < 11 {
      let value = try call.number("value", default: 0)
      if input.elementType.isFloatingPoint { filler = DenseTensor(input.elementType, [], [value]) }
    } else if let given = call.optional(2) {
      try call.sameType(input, given)
      guard given.count == 1 else {
        throw call.fault("the value has \(given.count) elements, not one")
      }
      filler = given
    }
    let shape = input.shape.indices.map { pads[$0] + input.shape[$0] + pads[$0 + rank] }
    try call.allow(shape)
    let steps = StridedView.steps(input.shape)
    var offsets = [0]
    for axis in 0..<rank {
      var line: [Int] = []
      for place in 0..<shape[axis] {
        let source = place - pads[axis]
        line.append(
          try self.source(source, size: input.shape[axis], mode, call).map { $0 * steps[axis] }
            ?? -1)
      }
      offsets = offsets.flatMap { base in
        line.map { base < 0 || $0 < 0 ? -1 : base + $0 }
      }
    }
    return [input.picking(offsets, shape: shape, filler: filler)]
  }

  /// Returns the padding of all dimensions, of which set 18 may name some alone.
  private static func pads(_ call: NodeCall, rank: Int) throws(ONNXError) -> [Int] {
    guard call.opset >= 11 else { return try call.integerList("pads") ?? [] }
    let given = try call.integers(1)
    guard let listed = try call.optionalIntegers(3) else { return given }
    let axes = try call.axes(listed, rank: rank)
    guard given.count == 2 * axes.count else {
      throw call.fault("it has \(given.count) pads for \(axes.count) axes")
    }
    var pads = [Int](repeating: 0, count: 2 * rank)
    for (place, axis) in axes.enumerated() {
      (pads[axis], pads[axis + rank]) = (given[place], given[place + axes.count])
    }
    return pads
  }

  /// Finds the element of a line for a place before, in or after it; nil for the constant.
  private static func source(
    _ place: Int, size: Int, _ mode: String, _ call: NodeCall
  ) throws(ONNXError) -> Int? {
    if 0..<size ~= place { return place }
    switch mode {
    case "constant": return nil
    case "edge":
      guard size > 0 else { throw call.fault("an empty dimension has no edge") }
      return place < 0 ? 0 : size - 1
    case "reflect":
      // The edge itself is not repeated, so the pattern is 2 * (size - 1) long.
      guard size > 0 else { throw call.fault("an empty dimension has no reflection") }
      guard size > 1 else { return 0 }
      let period = 2 * (size - 1)
      let phase = (place % period + period) % period
      return phase < size ? phase : period - phase
    case "wrap":
      guard size > 0 else { throw call.fault("an empty dimension has no opposite edge") }
      return (place % size + size) % size
    default: throw call.fault("mode \"\(mode)\" is not supported")
    }
  }
}
