import ONNX
import ResNet

extension ONNXImporter {
  /// Operators that change a shape or nothing.
  static let shapeOperators: [String: Operator] = [
    "Identity": { importer, node throws(CheckpointError) in try importer.same(node) },
    "Dropout": { importer, node throws(CheckpointError) in
      if try importer.trains(node) { throw importer.fault(node, "training mode") }
      return try importer.same(node)
    },
    "Cast": { importer, node throws(CheckpointError) in
      // Everything runs in this program's precision, which is said where the file's is lower.
      let type = Int32(exactly: try importer.integer("to", of: node, default: 0))
        .flatMap(ONNXElementType.init(rawValue:))
      guard let type, type.isFloatingPoint else {
        throw importer.fault(node, "a type that is not a floating-point one")
      }
      if type == .float16 || type == .bfloat16 { importer.noteRounding(node, to: type) }
      return try importer.same(node)
    },
    "Shape": { importer, node throws(CheckpointError) in try importer.shape(node) },
    "Flatten": { importer, node throws(CheckpointError) in
      let axis = try importer.integer("axis", of: node, default: 1)
      let old = try importer.dimensions(0, of: node)
      guard axis == 1 || axis == 1 - old.count else {
        throw importer.fault(node, "axis \(axis), not that of the channels")
      }
      let new = [old[0], old.dropFirst().reduce(1, *)]
      return try importer.reshaped(node, to: new, "\(old), flattened")
    },
    ONNXPatterns.view: { importer, node throws(CheckpointError) in try importer.view(node) },
    "Reshape": { importer, node throws(CheckpointError) in try importer.reshape(node) },
    "Squeeze": { importer, node throws(CheckpointError) in try importer.squeeze(node) },
    "Transpose": { importer, node throws(CheckpointError) in try importer.transpose(node) },
    "Concat": { importer, node throws(CheckpointError) in try importer.concatenate(node) },
    "Unsqueeze": { importer, node throws(CheckpointError) in try importer.unsqueeze(node) },
    "SpaceToDepth": { importer, node throws(CheckpointError) in
      let (size, old) = try importer.block(of: node)
      guard old[2].isMultiple(of: size), old[3].isMultiple(of: size) else {
        throw importer.fault(node, "blocks of \(size)x\(size) pixels in \(old)")
      }
      let (rows, columns) = (old[2] / size, old[3] / size)
      return try importer.permuted(
        node, parts: [old[1], rows, size, columns, size], order: [2, 4, 0, 1, 3],
        to: [old[1] * size * size, rows, columns])
    },
    "DepthToSpace": { importer, node throws(CheckpointError) in
      try importer.depthToSpace(node)
    },
  ]

  private func same(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    guard let value = value(0, of: node) else { throw fault(node, "input 0 is missing") }
    return value
  }

  /// Returns the training flag, an input since operator set 12.
  private func trains(_ node: ONNXNode) throws(CheckpointError) -> Bool {
    guard let tensor = try constant(2, of: node) else { return false }
    guard case .bytes(let bytes) = tensor.storage else { return true }
    return bytes.contains { $0 != 0 }
  }

  func dimensions(_ index: Int, of node: ONNXNode) throws(CheckpointError) -> [Int] {
    let value = value(index, of: node)
    if let (id, order) = value?.output { return order.dimensions(shapes[id], batch: batchSize) }
    switch value {
    case .constant(let tensor), .dequantized(let tensor, _): return tensor.shape
    case .arranged(_, let arrangement): return [batchSize] + arrangement.sizes
    case .strided(let id, let stride):
      let shape = shapes[id].picked(every: stride)
      return ONNXOrder.channelsFirst.dimensions(shape, batch: batchSize)
    case .expanded(_, _, let sizes): return [batchSize] + sizes
    case .padded(let id, let padding, _):
      return ONNXOrder.channelsFirst.dimensions(shapes[id].padded(by: padding), batch: batchSize)
    default: throw fault(node, "input \(index) has no shape here")
    }
  }

  private func shape(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let all = try dimensions(0, of: node)
    func place(_ value: Int) -> Int {
      max(0, min(all.count, value < 0 ? value + all.count : value))
    }
    let start = place(try integer("start", of: node, default: 0))
    let end = place(try integer("end", of: node, default: all.count))
    let part = start < end ? Array(all[start..<end]) : []
    let tensor = DenseTensor(.int64, [part.count], part.map(Int64.init))
    return .constant(
      ONNXTensor(
        name: node.outputs.first ?? "", elementType: .int64, shape: tensor.shape,
        storage: .bytes(tensor.bytes)))
  }

  /// Reshapes to `[N, C * H * W]`, or to the shape that it already has.
  private mutating func reshape(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    guard var new = try integers(1, of: node) else { throw fault(node, "no shape") }
    let text = "shape \(new.prefix(8)) for \(old)"
    if try !flag("allowzero", of: node) {
      for (axis, size) in new.enumerated() where size == 0 && axis < old.count {
        new[axis] = old[axis]
      }
    }
    // Neither overflows: feature maps and the batch are limited.
    let total = old.reduce(1, *)
    if let open = new.firstIndex(of: -1) {
      let others = ONNXTensor.elementCount(
        new.enumerated().filter { $0.offset != open }.map(\.element), limit: total)
      guard let others, others > 0, total.isMultiple(of: others) else { throw fault(node, text) }
      new[open] = total / others
    }
    return try reshaped(node, to: new, text)
  }

  /// Reshapes to the shape of a list of places, which must be those of all numbers in their order.
  private mutating func view(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    guard let places = try constant(1, of: node), places.elementType == .int64,
      let count = ONNXTensor.elementCount(places.shape, limit: ONNXImportLimits.viewedCount),
      case .bytes(let bytes) = places.storage, bytes.count == count * places.elementType.byteCount,
      case .whole(let values) = DenseTensor(.int64, places.shape, bytes: bytes).numbers,
      values.elementsEqual(0..<Int64(count))
    else { throw fault(node, "not all numbers of \(old) in their order") }
    let shape = places.shape
    return try reshaped(node, to: shape, "shape \(shape.prefix(8)) of all numbers of \(old)")
  }

  private mutating func squeeze(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    let axes = try axes(node, rank: old.count) ?? old.indices.filter { $0 > 0 && old[$0] == 1 }
    guard axes.allSatisfy({ old.indices.contains($0) && old[$0] == 1 && $0 > 0 }) else {
      throw fault(node, "axes \(axes.prefix(8)) of \(old)")
    }
    let new = old.indices.filter { !axes.contains($0) }.map { old[$0] }
    return try reshaped(node, to: new, "axes \(axes.prefix(8)) of \(old)")
  }

  private mutating func unsqueeze(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    guard let given = try axes(node, rank: nil) else { throw fault(node, "no axes") }
    let text = "axes \(given.prefix(8)) of \(old)"
    let rank = old.count + given.count
    let places = Set(given.map { $0 < 0 ? $0 &+ rank : $0 })
    guard rank <= ONNXImportLimits.rank, places.count == given.count,
      places.allSatisfy({ 1..<rank ~= $0 })
    else {
      throw fault(node, text)
    }
    var rest = old[...]
    let new = (0..<rank).map { places.contains($0) ? 1 : rest.removeFirst() }
    return try reshaped(node, to: new, text)
  }

  /// Returns the axes, an attribute before operator set 13 and an input since.
  ///
  /// They count from the front if the rank is known.
  private func axes(_ node: ONNXNode, rank: Int?) throws(CheckpointError) -> [Int]? {
    let axes: [Int]?
    if model.opset < 13 {
      axes = try integerList("axes", of: node)
    } else {
      axes = try integers(1, of: node)
    }
    return axes?.map { $0 < 0 ? $0 &+ (rank ?? 0) : $0 }
  }

  /// Returns the block size of a node that moves pixels to channels or back, and the dimensions of
  /// its input.
  private mutating func block(
    of node: ONNXNode
  ) throws(CheckpointError) -> (size: Int, dimensions: [Int]) {
    let size = try integer("blocksize", of: node, default: 0)
    let old = try dimensions(0, of: node)
    guard 1...ONNXImportLimits.windowNumber ~= size, old.count == 4 else {
      throw fault(node, "blocksize \(size) for \(old)")
    }
    return (size, old)
  }

  private mutating func depthToSpace(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (size, old) = try block(of: node)
    guard old[1].isMultiple(of: size * size) else {
      throw fault(node, "blocks of \(size)x\(size) pixels from \(old[1]) channels")
    }
    let channels = old[1] / (size * size)
    let new = [channels, old[2] * size, old[3] * size]
    switch node.attributes["mode"] {
    case nil, .string("DCR"):
      return try permuted(
        node, parts: [size, size, channels, old[2], old[3]], order: [2, 3, 0, 4, 1], to: new)
    case .string("CRD"):
      return try permuted(
        node, parts: [channels, size, size, old[2], old[3]], order: [0, 3, 1, 4, 2], to: new)
    default: throw fault(node, "mode is neither \"DCR\" nor \"CRD\"")
    }
  }

  /// Parts the dimensions after the batch, puts the parts in another order and joins them.
  private mutating func permuted(
    _ node: ONNXNode, parts: [Int], order: [Int], to new: [Int]
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (id, arrangement) = try arrangedOperand(0, of: node)
    guard let result = arrangement.reshaped(to: parts)?.transposed(order).reshaped(to: new) else {
      throw fault(node, "\(new) of parts \(parts)")
    }
    return try settled(id, result, node)
  }

  mutating func reshaped(
    _ node: ONNXNode, to new: [Int], _ text: String
  ) throws(CheckpointError) -> ONNXImportedValue {
    let (id, arrangement) = try arrangedOperand(0, of: node)
    guard new.first == batchSize, new.count <= ONNXImportLimits.rank,
      let result = arrangement.reshaped(to: Array(new.dropFirst()))
    else { throw fault(node, text) }
    return try settled(id, result, node)
  }

  // MARK: - Channels

  /// Changes the order of the dimensions.
  private mutating func transpose(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (id, arrangement) = try arrangedOperand(0, of: node)
    let rank = arrangement.axes.count + 1
    let permutation = try integerList("perm", of: node) ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank), permutation[0] == 0 else {
      throw fault(node, "perm \(permutation.prefix(8))")
    }
    return try settled(id, arrangement.transposed(permutation.dropFirst().map { $0 - 1 }), node)
  }

  private mutating func concatenate(
    _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let given = try integer("axis", of: node, default: Int.max)
    if node.inputs.indices.contains(where: { value($0, of: node)?.output == nil }),
      let stack = try stacked(node, axis: given)
    {
      return stack
    }
    var inputs: [Graph.NodeID] = []
    var order: ONNXOrder?
    for index in node.inputs.indices {
      let (input, own) = try operand(index, of: node)
      guard order == nil || order == own else { throw fault(node, "inputs in different orders") }
      order = own
      guard own.separatesChannels || shapes[input].pixelCount == 1 else {
        throw fault(node, "a flattened input")
      }
      inputs.append(input)
    }
    guard let order, given == order.channelAxis || given == order.channelAxis - order.rank else {
      throw fault(node, "axis \(given), not that of the channels")
    }
    if inputs.count == 1 { return order.value(inputs[0]) }
    return order.value(try append(node.name, .concatenation, inputs, for: node))
  }

  /// Stacks maps along a dimension of 1, which becomes the slowest part of the channels.
  ///
  /// Returns nil if the inputs are not such.
  private mutating func stacked(
    _ node: ONNXNode, axis given: Int
  ) throws(CheckpointError) -> ONNXImportedValue? {
    var ids: [Graph.NodeID] = []
    var common: ONNXArrangement?
    for index in node.inputs.indices {
      guard case .arranged(let id, let arrangement) = value(index, of: node),
        common == nil || common == arrangement, ids.first.map({ shapes[$0] == shapes[id] }) ?? true
      else { return nil }
      common = arrangement
      ids.append(id)
    }
    guard let common else { return nil }
    let axis = (given < 0 ? given &+ common.axes.count &+ 1 : given) &- 1
    guard common.axes.indices.contains(axis), common.axes[axis].isEmpty, ids.count > 1 else {
      return nil
    }
    let result = try append(node.name, .concatenation, ids, for: node)
    var axes = common.axes.map { $0.map { $0 + 1 } }
    axes[axis] = [0]
    let parts = [ONNXArrangement.Part(side: .channels, size: ids.count)] + common.parts
    return try settled(result, ONNXArrangement(parts: parts, axes: axes), node)
  }
}
