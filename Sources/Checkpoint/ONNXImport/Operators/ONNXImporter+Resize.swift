import ONNX
import ResNet

extension ONNXImporter {
  static let resizeOperators: [String: Operator] = [
    "Resize": { importer, node throws(CheckpointError) in try importer.resize(node) },
    "Upsample": { importer, node throws(CheckpointError) in try importer.resize(node) },
  ]

  /// Where a result's pixel lies in the map, and which of the map's pixels it then is.
  struct Rule {
    var method: String
    var coordinates: String
    var nearest: String
  }

  /// Resizes a map: each pixel several times, every so many of its pixels, or linearly between
  /// pixels.
  private mutating func resize(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let input = try features(0, of: node)
    let shape = shapes[input]
    let rule = try rule(of: node)
    let size = try resizedSize(of: node, shape)
    if size.height == shape.height, size.width == shape.width { return .features(input) }
    switch rule.method {
    case "linear": return .features(try interpolated(input, size, rule, node))
    case "nearest": return try picked(input, size, rule, node)
    default:
      throw fault(
        node, "mode \(Self.readable(rule.method)); nearest and linear are read: export it with one")
    }
  }

  /// Interpolates linearly: between centres of pixels, or by whole factors from the first on.
  private mutating func interpolated(
    _ input: Graph.NodeID, _ size: Extent, _ rule: Rule, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    // A single row or column is repeated by every rule.
    let isRepeated =
      (shape.height == 1 || shape.height == size.height)
      && (shape.width == 1 || shape.width == size.width)
    if isRepeated { return try resized(input, size, .nearest, node) }
    switch rule.coordinates {
    case "half_pixel": return try resized(input, size, .linear, node)
    case "pytorch_half_pixel" where min(size.height, size.width) > 1:
      return try resized(input, size, .linear, node)
    case "asymmetric"
    where size.height.isMultiple(of: shape.height) && size.width.isMultiple(of: shape.width):
      return try ramps(
        input, Extent(height: size.height / shape.height, width: size.width / shape.width), node)
    case "align_corners":
      let rows = try aligned(
        input, from: shape.height, to: size.height, along: Extent(height: 1, width: 0),
        "\(node.name).rows", node)
      return try aligned(
        rows, from: shape.width, to: size.width, along: Extent(height: 0, width: 1), node.name,
        node)
    default:
      throw fault(
        node,
        "\(Self.readable(rule.coordinates)) in mode linear for \(shape.height)x\(shape.width) to "
          + "\(size.height)x\(size.width); half_pixel and align_corners are read, and asymmetric "
          + "by whole factors")
    }
  }

  /// Interpolates from the first pixel on by whole factors: each pixel as often as the factor says,
  /// then means of as many of these, with the last one repeated after the edge.
  private mutating func ramps(
    _ input: Graph.NodeID, _ factor: Extent, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    if let most = [factor.height, factor.width].max(), most - 1 > ONNXImportLimits.reflectedCount {
      throw .overLimit(
        what: "factor by which node \"\(Self.readable(node.name))\" enlarges", value: most,
        limit: ONNXImportLimits.reflectedCount + 1)
    }
    let repeated = try resized(
      input,
      Extent(height: shape.height * factor.height, width: shape.width * factor.width), .nearest,
      node)
    // What lies before the edge is the edge.
    let padding = Padding(
      before: Extent(0), after: Extent(height: factor.height - 1, width: factor.width - 1))
    let padded = try append(
      "\(node.name).edge", .border(padding, .reflect), [repeated], for: node)
    return try append(
      "\(node.name).mean", .averagePool(Pooling(window: factor, stride: Extent(1))), [padded],
      for: node)
  }

  /// Interpolates along one axis from the first pixel to the last: with steps of p/q pixels, each
  /// pixel is repeated p times, and every q-th mean of p of these is a result.
  private mutating func aligned(
    _ input: Graph.NodeID, from old: Int, to new: Int, along axis: Extent, _ name: String,
    _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    func extent(_ count: Int) -> Extent {
      Extent(height: axis.height == 1 ? count : 1, width: axis.width == 1 ? count : 1)
    }
    func resized(to count: Int, _ name: String) throws(CheckpointError) -> Graph.NodeID {
      let resizing = Resizing(
        height: axis.height == 1 ? count : shape.height,
        width: axis.width == 1 ? count : shape.width, .nearest)
      return try append(name, .resize(resizing), [input], for: node)
    }
    guard old != new else { return input }
    if old == 1 { return try resized(to: new, name) }
    guard new > 1 else {
      throw fault(node, "one row or column of \(old) by align_corners, which takes the first")
    }
    var (divisor, rest) = (new - 1, old - 1)
    while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
    let (repeats, stride) = ((new - 1) / divisor, (old - 1) / divisor)
    guard repeats <= ONNXImportLimits.interpolationFactor else {
      throw .overLimit(
        what: "repetitions of pixels by which node \"\(Self.readable(node.name))\" interpolates",
        value: repeats, limit: ONNXImportLimits.interpolationFactor)
    }
    let repeated = try resized(to: old * repeats, "\(name).repeated")
    let pooling = Pooling(window: extent(repeats), stride: extent(stride))
    return try append(name, .averagePool(pooling), [repeated], for: node)
  }

  mutating func resized(
    _ input: Graph.NodeID, _ size: Extent, _ method: Resizing.Method, _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    try append(
      node.name, .resize(Resizing(height: size.height, width: size.width, method)), [input],
      for: node)
  }

  private func rule(of node: ONNXNode) throws(CheckpointError) -> Rule {
    func text(_ name: String, _ fallback: String) throws(CheckpointError) -> String {
      switch node.attributes[name] {
      case nil: return fallback
      case .string(let value): return value
      default: throw fault(node, "attribute \(name) is not a string")
      }
    }
    let method = try text("mode", "nearest")
    guard model.opset >= 11, node.operation == "Resize" else {
      return Rule(method: method, coordinates: "asymmetric", nearest: "floor")
    }
    guard try !flag("exclude_outside", of: node) || method != "cubic" else {
      throw fault(node, "exclude_outside")
    }
    let coordinates = try text("coordinate_transformation_mode", "half_pixel")
    guard coordinates != "tf_crop_and_resize" else {
      throw fault(node, "tf_crop_and_resize, which resizes a part of the map")
    }
    return Rule(
      // Both are the same where the result has a whole size.
      method: method,
      coordinates: coordinates == "half_pixel_symmetric" ? "half_pixel" : coordinates,
      nearest: try text("nearest_mode", "round_prefer_floor"))
  }

  /// Returns height and width of the result, by sizes or scales.
  private mutating func resizedSize(
    of node: ONNXNode, _ shape: FeatureShape
  ) throws(CheckpointError) -> Extent {
    let old = [batchSize, shape.channels, shape.height, shape.width]
    var sizes: [Int]
    if model.opset >= 11, node.operation == "Resize",
      node.inputs.count > 3, let given = try integers(3, of: node)
    {
      sizes = try resizedSizes(of: node, given, old)
    } else {
      sizes = try scaledSizes(of: node, old)
    }
    guard sizes.count == 4, sizes[0] == old[0], sizes[1] == old[1],
      sizes[2...].allSatisfy({ 1...ONNXImportLimits.windowNumber ~= $0 })
    else { throw fault(node, "sizes \(sizes.prefix(8)) for \(old)") }
    return Extent(height: sizes[2], width: sizes[3])
  }

  /// Returns the axes that set 18 may name, else all.
  private func resizedAxes(
    of node: ONNXNode, rank: Int
  ) throws(CheckpointError) -> [Int] {
    guard let listed = try integerList("axes", of: node) else { return Array(0..<rank) }
    let axes = listed.map { $0 < 0 ? $0 &+ rank : $0 }
    guard axes.allSatisfy((0..<rank).contains), Set(axes).count == axes.count else {
      throw fault(node, "axes \(listed.prefix(8))")
    }
    return axes
  }

  /// Returns the sizes of all dimensions of sizes for some, which are exact or bounds by which all of
  /// these have one scale.
  private func resizedSizes(
    of node: ONNXNode, _ given: [Int], _ old: [Int]
  ) throws(CheckpointError) -> [Int] {
    let axes = try resizedAxes(of: node, rank: old.count)
    guard given.count == axes.count,
      given.allSatisfy({ 1...ONNXImportLimits.windowNumber ~= $0 })
    else { throw fault(node, "sizes \(given.prefix(8)) for \(old)") }
    var sizes = old
    for (axis, size) in zip(axes, given) { sizes[axis] = size }
    let isLargest: Bool
    switch node.attributes["keep_aspect_ratio_policy"] {
    case nil, .string("stretch"): return sizes
    case .string("not_larger"): isLargest = false
    case .string("not_smaller"): isLargest = true
    default: throw fault(node, "keep_aspect_ratio_policy of another value than those of ONNX")
    }
    let scales = axes.map { Double(sizes[$0]) / Double(old[$0]) }
    let scale = (isLargest ? scales.max() : scales.min()) ?? 1
    for axis in axes { sizes[axis] = try scaled(old[axis], by: scale, node) }
    return sizes
  }

  /// Returns the size that a scale gives.
  private func scaled(
    _ size: Int, by scale: Double, _ node: ONNXNode
  ) throws(CheckpointError) -> Int {
    let exact = Double(size) * scale
    // Between pixels it is the scale that counts, here it is the ratio of the sizes.
    guard abs(exact - exact.rounded()) <= 1e-3 else {
      throw fault(node, "scale \(scale) for \(size), which gives no whole size")
    }
    return Int(exact.rounded())
  }

  private mutating func scaledSizes(
    of node: ONNXNode, _ old: [Int]
  ) throws(CheckpointError) -> [Int] {
    var scales: [Float] = []
    if case .numbers(let values) = node.attributes["scales"] {
      scales = values
    } else {
      let index = node.operation == "Resize" && model.opset >= 11 ? 2 : 1
      scales = try parameter(index, of: node)?.values ?? []
    }
    let axes = try resizedAxes(of: node, rank: old.count)
    guard scales.count == axes.count,
      scales.allSatisfy({ $0.isFinite && $0 > 0 && $0 < 65_536 })
    else { throw fault(node, "scales \(scales.prefix(8))") }
    var sizes = old
    for (axis, scale) in zip(axes, scales) {
      sizes[axis] = try scaled(old[axis], by: Double(scale), node)
    }
    return sizes
  }
}
