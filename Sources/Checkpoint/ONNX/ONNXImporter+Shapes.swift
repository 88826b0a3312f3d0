import ONNX
import ResNet

extension ONNXImporter {
  /// What changes a shape or nothing.
  static let shapeOperators: [String: Operator] = [
    "Identity": { importer, node throws(CheckpointError) in try importer.same(node) },
    "Dropout": { importer, node throws(CheckpointError) in
      if try importer.trains(node) { throw importer.fault(node, "training mode") }
      return try importer.same(node)
    },
    "Cast": { importer, node throws(CheckpointError) in
      // Everything runs in this program's precision.
      let type = ONNXElementType(
        rawValue: Int32(truncatingIfNeeded: try importer.integer("to", of: node, default: 0)))
      guard let type, type.isFloatingPoint else {
        throw importer.fault(node, "a type that is not a floating-point one")
      }
      return try importer.same(node)
    },
    "Shape": { importer, node throws(CheckpointError) in try importer.shape(node) },
    "Flatten": { importer, node throws(CheckpointError) in
      let axis = try importer.integer("axis", of: node, default: 1)
      switch importer.value(0, of: node) {
      case .flat(let id) where axis == 1 || axis == -1: return .flat(id)
      default:
        let input = try importer.features(0, of: node)
        guard axis == 1 || axis == -3 else {
          throw importer.fault(node, "axis \(axis), not that of the channels")
        }
        return .flat(input)
      }
    },
    "Reshape": { importer, node throws(CheckpointError) in try importer.reshape(node) },
    "Squeeze": { importer, node throws(CheckpointError) in try importer.squeeze(node) },
    "Slice": { importer, node throws(CheckpointError) in try importer.slice(node) },
    "Pad": { importer, node throws(CheckpointError) in try importer.pad(node) },
    "Unsqueeze": { importer, node throws(CheckpointError) in try importer.unsqueeze(node) },
  ]

  private func same(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    guard let value = value(0, of: node) else { throw fault(node, "input 0 is missing") }
    return value
  }

  /// Since operator set 12 an input says so.
  private func trains(_ node: ONNXNode) throws(CheckpointError) -> Bool {
    guard let tensor = try constant(2, of: node) else { return false }
    guard case .bytes(let bytes) = tensor.storage else { return true }
    return bytes.contains { $0 != 0 }
  }

  private func dimensions(_ index: Int, of node: ONNXNode) throws(CheckpointError) -> [Int] {
    switch value(index, of: node) {
    case .constant(let tensor): return tensor.shape
    case .features(let id):
      return [batchSize, shapes[id].channels, shapes[id].height, shapes[id].width]
    case .flat(let id): return [batchSize, shapes[id].elementCount]
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

  /// To `[N, C * H * W]`, or to the shape that it has.
  private func reshape(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    guard var new = try integers(1, of: node) else { throw fault(node, "no shape") }
    let text = "shape \(new.prefix(8)) for \(old)"
    if try integer("allowzero", of: node, default: 0) == 0 {
      for (axis, size) in new.enumerated() where size == 0 && axis < old.count {
        new[axis] = old[axis]
      }
    }
    // Neither overflows: feature maps are limited, and so is the batch.
    let total = old.reduce(1, *)
    if let open = new.firstIndex(of: -1) {
      let others = ONNXTensor.elementCount(
        new.enumerated().filter { $0.offset != open }.map(\.element), limit: total)
      guard let others, others > 0, total.isMultiple(of: others) else { throw fault(node, text) }
      new[open] = total / others
    }
    return try reshaped(node, to: new, text)
  }

  private func squeeze(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    let axes = try axes(node, rank: old.count) ?? old.indices.filter { $0 > 0 && old[$0] == 1 }
    guard axes.allSatisfy({ old.indices.contains($0) && old[$0] == 1 && $0 > 0 }) else {
      throw fault(node, "axes \(axes.prefix(8)) of \(old)")
    }
    let new = old.indices.filter { !axes.contains($0) }.map { old[$0] }
    return try reshaped(node, to: new, "axes \(axes.prefix(8)) of \(old)")
  }

  private func unsqueeze(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let old = try dimensions(0, of: node)
    let given = try axes(node, rank: old.count + 2) ?? []
    guard old.count == 2, Set(given) == [2, 3] else {
      throw fault(node, "axes \(given.prefix(8)) of \(old)")
    }
    return try reshaped(node, to: old + [1, 1], "axes \(given.prefix(8)) of \(old)")
  }

  /// An attribute before operator set 13, an input since; counted from the front.
  private func axes(_ node: ONNXNode, rank: Int) throws(CheckpointError) -> [Int]? {
    let axes: [Int]?
    if model.opset < 13 {
      axes = try integerList("axes", of: node)
    } else {
      axes = try integers(1, of: node)
    }
    return axes?.map { $0 < 0 ? $0 &+ rank : $0 }
  }

  private func reshaped(
    _ node: ONNXNode, to new: [Int], _ text: String
  ) throws(CheckpointError) -> ONNXImportedValue {
    let id: Graph.NodeID
    switch value(0, of: node) {
    case .features(let known), .flat(let known): id = known
    default: throw fault(node, "input 0 is no feature map")
    }
    let shape = shapes[id]
    if new == [batchSize, shape.elementCount] { return .flat(id) }
    if new == [batchSize, shape.channels, shape.height, shape.width] { return .features(id) }
    throw fault(node, text)
  }

  /// The feature map that a node reads first, and the distance of the pixels that it reads of it.
  private func stridedInput(
    of node: ONNXNode
  ) throws(CheckpointError) -> (id: Graph.NodeID, stride: Extent) {
    switch value(0, of: node) {
    case .features(let id): return (id, Extent(1))
    case .strided(let id, let stride): return (id, stride)
    default: throw fault(node, "input 0 is no feature map")
    }
  }

  /// Every so many pixels from the first on: half of shortcut option A.
  private func slice(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    var (id, stride) = try stridedInput(of: node)
    guard model.opset >= 10, let starts = try integers(1, of: node),
      let ends = try integers(2, of: node)
    else { throw fault(node, "a part of a feature map") }
    let axes = try integers(3, of: node) ?? Array(starts.indices)
    let steps = try integers(4, of: node) ?? [Int](repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count,
      Set(axes).count == axes.count
    else { throw fault(node, "lists of unequal lengths, or an axis twice") }
    let sizes = [batchSize, shapes[id].channels, shapes[id].height, shapes[id].width]
    for (index, axis) in axes.enumerated() {
      let axis = axis < 0 ? axis &+ 4 : axis
      guard sizes.indices.contains(axis), starts[index] == 0, ends[index] >= sizes[axis],
        1...ONNXImportLimits.windowNumber ~= steps[index], steps[index] == 1 || axis >= 2
      else { throw fault(node, "a part of a feature map") }
      if axis == 2 { stride.height *= steps[index] }
      if axis == 3 { stride.width *= steps[index] }
      guard max(stride.height, stride.width) <= ONNXImportLimits.windowNumber else {
        throw fault(node, "strides \(stride.height) and \(stride.width)")
      }
    }
    return .strided(id, stride)
  }

  /// Zero channels around a feature map: the other half of option A.
  private mutating func pad(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let (id, stride) = try stridedInput(of: node)
    if case .text(let mode) = node.attributes["mode"], mode != "constant" {
      throw fault(node, "mode \(Self.readable(mode))")
    }
    let pads =
      model.opset < 11 ? try integerList("pads", of: node) : try integers(1, of: node)
    guard let pads, pads.count == 8, pads.enumerated().allSatisfy({ $0 % 4 == 1 || $1 == 0 }),
      0...ONNXImportLimits.windowNumber ~= pads[1], 0...ONNXImportLimits.windowNumber ~= pads[5]
    else { throw fault(node, "other padding than zero channels") }
    let filler =
      model.opset < 11
      ? try number("value", of: node, default: 0) : try parameter(2, of: node)?.values.first ?? 0
    guard filler == 0 else { throw fault(node, "padding with \(filler)") }
    guard stride.height == stride.width else {
      throw fault(node, "input with strides \(stride.height) and \(stride.width)")
    }
    let shortcut = PaddedShortcut(
      channels: shapes[id].channels + pads[1] + pads[5], stride: stride.height,
      leadingZeroChannels: pads[1])
    return .features(try append(node.name, .paddedShortcut(shortcut), [id], for: node))
  }

  /// Makes a node of pixels that were picked.
  mutating func materialize(
    _ id: Graph.NodeID, _ stride: Extent, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    guard stride.height == stride.width else {
      throw fault(node, "input with strides \(stride.height) and \(stride.width)")
    }
    if stride.height == 1 { return id }
    let shortcut = PaddedShortcut(channels: shapes[id].channels, stride: stride.height)
    return try append("\(node.name).slice", .paddedShortcut(shortcut), [id], for: node)
  }
}
