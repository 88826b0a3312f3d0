import ONNX
import ResNet

/// How a window moves over a feature map.
struct ONNXWindow {
  var kernel: Extent
  var stride: Extent
  var dilation: Extent
  /// Zeros on either side.
  var padding: Extent
}

extension ONNXImporter {
  /// Reads `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`; what is not the same on both sides of the
  /// map is refused.
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
    let window = ONNXWindow(kernel: kernel, stride: stride, dilation: dilation, padding: padding)
    if try integer("ceil_mode", of: node, default: 0) != 0 {
      let rests = [
        (input.height + 2 * padding.height - spans.height) % stride.height,
        (input.width + 2 * padding.width - spans.width) % stride.width,
      ]
      guard rests == [0, 0] else { throw fault(node, "ceil_mode with a window that is cut off") }
    }
    return window
  }

  private func padding(
    _ node: ONNXNode, _ input: FeatureShape, _ spans: Extent, _ stride: Extent
  ) throws(CheckpointError) -> Extent {
    let mode: String
    switch node.attributes["auto_pad"] {
    case nil: mode = "NOTSET"
    case .text(let text): mode = text
    default: throw fault(node, "attribute auto_pad is no text")
    }
    switch mode {
    case "VALID": return Extent(0)
    case "SAME_UPPER", "SAME_LOWER":
      func total(_ size: Int, _ span: Int, _ step: Int) -> Int {
        max(0, ((size + step - 1) / step - 1) * step + span - size)
      }
      let height = total(input.height, spans.height, stride.height)
      let width = total(input.width, spans.width, stride.width)
      guard height.isMultiple(of: 2), width.isMultiple(of: 2) else {
        throw fault(node, "auto_pad \(mode) pads one side more than the other here")
      }
      return Extent(height: height / 2, width: width / 2)
    case "NOTSET", "":
      let pads = try integerList("pads", of: node) ?? [0, 0, 0, 0]
      guard pads.count == 4, pads.allSatisfy({ 0...ONNXImportLimits.windowNumber ~= $0 }) else {
        throw fault(node, "pads \(pads.prefix(8))")
      }
      guard pads[0] == pads[2], pads[1] == pads[3] else {
        throw fault(node, "pads \(pads): one side more than the other")
      }
      return Extent(height: pads[0], width: pads[1])
    default: throw fault(node, "auto_pad \"\(Self.readable(mode))\"")
    }
  }

  /// A pair of numbers, each at least one; ones where the attribute is absent.
  func extent(_ name: String, of node: ONNXNode) throws(CheckpointError) -> Extent {
    guard let values = try integerList(name, of: node) else { return Extent(1) }
    guard values.count == 2, values.allSatisfy({ 1...ONNXImportLimits.windowNumber ~= $0 }) else {
      throw fault(node, "\(name) \(values.prefix(8))")
    }
    return Extent(height: values[0], width: values[1])
  }
}
