import ONNX
import ResNet

extension ONNXImporter {
  static let resizeOperators: [String: Operator] = [
    "Resize": { importer, node throws(CheckpointError) in try importer.resize(node) },
    "Upsample": { importer, node throws(CheckpointError) in try importer.resize(node) },
  ]

  /// Where a result's pixel lies in the map, and which of the map's pixels it then is.
  private struct Rule {
    var method: String
    var coordinates: String
    var nearest: String
  }

  /// Resizes a map: each pixel several times, every so many of its pixels, or linearly between the
  /// centres of pixels.
  private mutating func resize(_ node: ONNXNode) throws(CheckpointError) -> ONNXImportedValue {
    let input = try features(0, of: node)
    let shape = shapes[input]
    let rule = try rule(of: node)
    let size = try resizedSize(of: node, shape)
    if size.height == shape.height, size.width == shape.width { return .features(input) }
    let isMultiple =
      size.height.isMultiple(of: shape.height) && size.width.isMultiple(of: shape.width)
    switch rule.method {
    case "linear":
      guard ["half_pixel", "pytorch_half_pixel"].contains(rule.coordinates),
        rule.coordinates == "half_pixel" || min(size.height, size.width) > 1
      else {
        throw fault(node, "\(Self.readable(rule.coordinates)) in mode linear; half_pixel is read")
      }
      return .features(
        try append(
          node.name, .resize(Resizing(height: size.height, width: size.width, .linear)), [input],
          for: node))
    case "nearest" where isMultiple:
      guard Self.repeats.contains("\(rule.coordinates) \(rule.nearest)") else {
        throw fault(
          node,
          "\(Self.readable(rule.coordinates)) with \(Self.readable(rule.nearest)) in mode nearest; "
            + "asymmetric with floor, or half_pixel with rounding, is read")
      }
      return .features(
        try append(
          node.name, .resize(Resizing(height: size.height, width: size.width, .nearest)), [input],
          for: node))
    case "nearest":
      guard shape.height.isMultiple(of: size.height), shape.width.isMultiple(of: size.width),
        rule.coordinates == "asymmetric"
      else {
        throw fault(
          node,
          "\(size.height)x\(size.width) for \(shape) in mode nearest; a whole multiple is read")
      }
      return .strided(
        input,
        Extent(height: shape.height / size.height, width: shape.width / size.width))
    default: throw fault(node, "mode \(Self.readable(rule.method))")
    }
  }

  /// Rules by which a map enlarged by a whole factor has each pixel as often as the factor says.
  private static let repeats: Set<String> = [
    "asymmetric floor", "half_pixel round_prefer_floor", "half_pixel round_prefer_ceil",
    "pytorch_half_pixel round_prefer_floor", "pytorch_half_pixel round_prefer_ceil",
    "tf_half_pixel_for_nn floor",
  ]

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
    return Rule(
      method: method, coordinates: try text("coordinate_transformation_mode", "half_pixel"),
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
      sizes = given
    } else {
      sizes = try scaledSizes(of: node, old)
    }
    guard sizes.count == 4, sizes[0] == old[0], sizes[1] == old[1],
      sizes[2...].allSatisfy({ 1...ONNXImportLimits.windowNumber ~= $0 })
    else { throw fault(node, "sizes \(sizes.prefix(8)) for \(old)") }
    return Extent(height: sizes[2], width: sizes[3])
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
    guard scales.count == 4, scales.allSatisfy({ $0.isFinite && $0 > 0 && $0 < 65_536 }) else {
      throw fault(node, "scales \(scales.prefix(8))")
    }
    var sizes: [Int] = []
    for (size, scale) in zip(old, scales) {
      let exact = Float(size) * scale
      // Between pixels it is the scale that counts, here it is the ratio of the sizes.
      guard abs(exact - exact.rounded()) <= 1e-3 else {
        throw fault(node, "scale \(scale) for \(size), which gives no whole size")
      }
      sizes.append(Int(exact.rounded()))
    }
    return sizes
  }
}
