import Imaging
import ONNX
import ResNet

/// What the images of an ONNX graph look like.
extension ONNXImporter {
  /// Reads the shape of the input, completed by that of the images that a contract gives.
  static func inputShape(
    _ input: ONNXValue, _ images: FeatureShape?
  ) throws(CheckpointError) -> (
    batch: Int, shape: FeatureShape, order: ONNXOrder, isSizeOpen: Bool
  ) {
    let text = "input \"\(readable(input.name))\""
    guard let type = input.elementType, type.isFloatingPoint || type == .uint8 else {
      throw .unsupported("\(text) is neither of a floating-point type nor of uint8")
    }
    guard let declared = input.shape, declared.count == 4,
      let (order, channels) = channels(of: declared, expected: images?.channels)
    else {
      throw .unsupported(
        "\(text) has shape \(input.shapeDescription), images are [N, C, H, W] or [N, H, W, C] with "
          + "1 to \(Preprocessing.channelCountLimit.upperBound) channels")
    }
    let axes = order.pixelAxes
    guard let height = declared[axes[0]] ?? images?.height,
      let width = declared[axes[1]] ?? images?.width
    else {
      throw .unsupported(
        "\(text) has shape \(input.shapeDescription), which leaves the images' size open; give a "
          + "preprocessing contract (--preprocess)")
    }
    for side in [height, width] where !(1...ONNXImportLimits.inputSide ~= side) {
      throw .overLimit(what: "a side of \(text)", value: side, limit: ONNXImportLimits.inputSide)
    }
    let batch = declared[0] ?? 1
    guard 1...ONNXImportLimits.windowNumber ~= batch else {
      throw .overLimit(
        what: "batch size of \(text)", value: batch, limit: ONNXImportLimits.windowNumber)
    }
    return (
      batch, FeatureShape(channels: channels, height: height, width: width), order,
      axes.contains { declared[$0] == nil }
    )
  }

  /// Returns where the channels of images are and how many there are; the first place is what a
  /// shape means that leaves it open, and three if no contract says how many.
  private static func channels(
    of shape: [Int?], expected: Int?
  ) -> (order: ONNXOrder, count: Int)? {
    for count in [expected, 3].compactMap(\.self) {
      if shape[1] == count { return (.channelsFirst, count) }
      if shape[3] == count { return (.channelsLast, count) }
    }
    let allowed = Preprocessing.channelCountLimit
    let last = shape[3].flatMap { allowed.contains($0) ? $0 : nil }
    guard let first = shape[1] else {
      // Sides are left open together.
      if let last, shape[2] == nil { return (.channelsLast, last) }
      return (.channelsFirst, expected ?? 3)
    }
    guard allowed.contains(first) else { return last.map { (.channelsLast, $0) } }
    // Both may be channels, or a side of small images, whose sides are mostly equal.
    let areSidesFirst = shape[1] == shape[2] && shape[2] != shape[3]
    if let last, first > 1, last == 1 || areSidesFirst { return (.channelsLast, last) }
    return (.channelsFirst, first)
  }
}
