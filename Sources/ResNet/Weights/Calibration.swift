/// The ranges of a network's activations, measured on images, from which int8 takes its scales.
///
/// `resnetd quantize` measures one for every node. A file that was quantised elsewhere has its own:
/// of the tensors that it quantises, for the layers whose weights it quantises; everything else
/// then runs in floating point.
package struct Calibration: Sendable, Hashable, Codable {
  /// How the ranges were chosen and on how many images, for people.
  package var method: String
  /// The magnitude that the largest integer stands for, above 0: by the names of the lowered
  /// graph's nodes (`input`, `layer1.0.conv1`, …), or with `floatingPoint` of those of the model's
  /// own graph.
  package var ranges: [String: Float]
  /// Layers that compute in floating point whatever they read, by name; where it is nil, all run on
  /// integers, and a node without a range is an error.
  package var floatingPoint: Set<String>?
  /// The integer of -128 to 127 that stands for zero in the input, whose range is then on its upper
  /// side; nil for 0.
  package var inputZeroPoint: Int?

  /// The others leave no room above them.
  static let zeroPoints = -127...126
  /// UTF-8 bytes of `method`.
  static let methodByteCountLimit = 1024
  static let rangeCountLimit = 16_384
  static let floatingPointCountLimit = 16_384

  /// Why it cannot be used; nil where it can.
  package var fault: String? {
    if method.utf8.count > Self.methodByteCountLimit {
      return "a method of \(method.utf8.count) bytes, the limit is \(Self.methodByteCountLimit)"
    }
    if ranges.count > Self.rangeCountLimit {
      return "\(ranges.count) ranges, the limit is \(Self.rangeCountLimit)"
    }
    if let count = floatingPoint?.count, count > Self.floatingPointCountLimit {
      return "\(count) layers in floating point, the limit is \(Self.floatingPointCountLimit)"
    }
    if let zero = inputZeroPoint, !Self.zeroPoints.contains(zero) {
      return "\(zero) stands for zero in the input, not one of \(Self.zeroPoints)"
    }
    let bad = ranges.filter { !($0.value > 0 && $0.value.isFinite) }.keys.min()
    return bad.map { "the range of \($0.prefix(80)) is not a positive number" }
  }

  package init(
    method: String, ranges: [String: Float], floatingPoint: Set<String>? = nil,
    inputZeroPoint: Int? = nil
  ) {
    self.inputZeroPoint = inputZeroPoint
    self.method = method
    self.ranges = ranges
    self.floatingPoint = floatingPoint
  }

  /// Of what a node of a lowered graph leaves; nil where it has none.
  package func range(of node: Graph.Node) -> Float? {
    ranges[floatingPoint == nil ? node.name : node.resultName]
  }

  /// Whether a layer of a lowered graph is to compute in floating point.
  package func computesInFloatingPoint(_ node: Graph.Node) -> Bool {
    floatingPoint?.contains(node.name) ?? false
  }

  private enum CodingKeys: String, CodingKey {
    case method, ranges
    case floatingPoint = "floating_point"
    case inputZeroPoint = "input_zero_point"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(method, forKey: .method)
    try container.encode(ranges, forKey: .ranges)
    // In order, so that equal calibrations are written alike.
    try container.encodeIfPresent(floatingPoint?.sorted(), forKey: .floatingPoint)
    try container.encodeIfPresent(inputZeroPoint, forKey: .inputZeroPoint)
  }
}
