import ONNX
import ResNet

/// Movement of a window over a feature map.
struct ONNXWindow {
  var kernel: Extent
  var stride: Extent
  var dilation: Extent
  var padding: Padding
  /// Rows and columns after map and padding that the last window reaches because a size was rounded
  /// up; they are neither pixels nor padding.
  var overhang = Extent(0)

  /// Returns everything around the map inside `outer`, including the overhang of rounding up.
  func padding(inside outer: Padding) -> Padding {
    Padding(before: padding.before + outer.before, after: padding.after + outer.after + overhang)
  }
}

extension FeatureShape {
  /// Returns the padded shape; neither side overflows if both are within their limits.
  func padded(by padding: Padding) -> FeatureShape {
    FeatureShape(
      channels: channels, height: height + padding.before.height + padding.after.height,
      width: width + padding.before.width + padding.after.width)
  }

  /// Returns the shape of picked pixels, starting with the first row and column.
  func picked(every stride: Extent) -> FeatureShape {
    FeatureShape(
      channels: channels, height: (height - 1) / stride.height + 1,
      width: (width - 1) / stride.width + 1)
  }
}

extension Padding {
  /// Returns whether each window meets a pixel.
  func isNarrower(than window: Extent) -> Bool {
    max(before.height, after.height) < window.height
      && max(before.width, after.width) < window.width
  }
}

extension Extent {
  fileprivate static func + (a: Extent, b: Extent) -> Extent {
    Extent(height: a.height + b.height, width: a.width + b.width)
  }
}

extension ONNXImporter {
  /// Reads `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`.
  func window(
    _ node: ONNXNode, kernel: Extent, over input: FeatureShape
  ) throws(CheckpointError) -> ONNXWindow {
    let stride = try extent("strides", of: node)
    let dilation = try extent("dilations", of: node)
    for side in [kernel.height, kernel.width]
    where !(1...ONNXImportLimits.windowNumber ~= side) {
      throw fault(node, "a window of \(kernel.height)x\(kernel.width)")
    }
    let spans = Extent(
      height: (kernel.height - 1) * dilation.height + 1,
      width: (kernel.width - 1) * dilation.width + 1)
    let padding = try padding(node, input, spans, stride)
    var window = ONNXWindow(kernel: kernel, stride: stride, dilation: dilation, padding: padding)
    if try flag("ceil_mode", of: node) {
      let before = padding.before
      let whole = input.padded(by: padding)
      window.overhang = Extent(
        height: Self.overhang(
          whole.height, spans.height, stride.height, pixelEnd: before.height + input.height),
        width: Self.overhang(
          whole.width, spans.width, stride.width, pixelEnd: before.width + input.width))
    }
    return window
  }

  /// Returns the overhang of the additional window that fits in part, unless it begins after the
  /// last pixel.
  private static func overhang(_ size: Int, _ span: Int, _ step: Int, pixelEnd: Int) -> Int {
    let room = size - span
    guard room >= 0, !room.isMultiple(of: step) else { return 0 }
    let start = (room / step + 1) * step
    return start < pixelEnd ? start + span - size : 0
  }

  private func padding(
    _ node: ONNXNode, _ input: FeatureShape, _ spans: Extent, _ stride: Extent
  ) throws(CheckpointError) -> Padding {
    let mode: String
    switch node.attributes["auto_pad"] {
    case nil: mode = "NOTSET"
    case .string(let string): mode = string
    default: throw fault(node, "attribute auto_pad is not a string")
    }
    switch mode {
    case "VALID": return Padding(0)
    case "SAME_UPPER", "SAME_LOWER":
      func total(_ size: Int, _ span: Int, _ step: Int) -> Int {
        max(0, ((size + step - 1) / step - 1) * step + span - size)
      }
      let height = total(input.height, spans.height, stride.height)
      let width = total(input.width, spans.width, stride.width)
      // The names say which side gets the odd one.
      let less = Extent(height: height / 2, width: width / 2)
      let more = Extent(height: height - less.height, width: width - less.width)
      return mode == "SAME_UPPER"
        ? Padding(before: less, after: more) : Padding(before: more, after: less)
    case "NOTSET", "":
      let pads = try integerList("pads", of: node) ?? [0, 0, 0, 0]
      guard pads.count == 4, pads.allSatisfy({ 0...ONNXImportLimits.windowNumber ~= $0 }) else {
        throw fault(node, "pads \(pads.prefix(8))")
      }
      return Padding(
        before: Extent(height: pads[0], width: pads[1]),
        after: Extent(height: pads[2], width: pads[3]))
    default: throw fault(node, "auto_pad \"\(Self.readable(mode))\"")
    }
  }

  /// Reads a pair of numbers, each at least one; ones if the attribute is absent.
  func extent(_ name: String, of node: ONNXNode) throws(CheckpointError) -> Extent {
    guard let values = try integerList(name, of: node) else { return Extent(1) }
    guard values.count == 2, values.allSatisfy({ 1...ONNXImportLimits.windowNumber ~= $0 }) else {
      throw fault(node, "\(name) \(values.prefix(8))")
    }
    return Extent(height: values[0], width: values[1])
  }
}
