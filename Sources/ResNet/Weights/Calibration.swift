/// Ranges of a network's activations, measured on images, from which int8 takes its scales.
///
/// `resnetd quantize` measures one for every node. A file that was quantised elsewhere has its own,
/// for the tensors that it quantises and the layers whose weights it quantises; everything else
/// then runs in floating point.
package struct Calibration: Sendable, Hashable, Codable {
  /// Description, for people, of how the ranges were chosen and on how many images.
  package var method: String
  /// Magnitude, above 0, that the largest integer stands for: by the names of the lowered graph's
  /// nodes (`input`, `layer1.0.conv1`, …), or with `floatingPoint` by those of the model's own
  /// graph.
  package var ranges: [String: Float]
  /// Names of the layers that compute in floating point whatever they read. If nil, all run on
  /// integers, and a node without a range is an error.
  package var floatingPoint: Set<String>?
  /// Integer that stands for zero in the input, whose range is then that of its upper side; nil for
  /// 0.
  package var inputZeroPoint: Int?

  /// Integers that may stand for zero; the others leave no room above them.
  static let zeroPoints = -127...126
  /// UTF-8 bytes of `method`.
  static let methodByteCountLimit = 1024
  static let rangeCountLimit = 16_384
  static let floatingPointCountLimit = 16_384

  /// Fault of the calibration; nil if it can be used.
  package var fault: String? {
    if method.utf8.count > Self.methodByteCountLimit {
      return "the method has \(method.utf8.count) bytes, more than \(Self.methodByteCountLimit)"
    }
    if ranges.count > Self.rangeCountLimit {
      return "it has \(ranges.count) ranges, at most \(Self.rangeCountLimit) are allowed"
    }
    if let count = floatingPoint?.count, count > Self.floatingPointCountLimit {
      return
        "\(count) layers are in floating point, at most \(Self.floatingPointCountLimit) are allowed"
    }
    let allowed = Self.zeroPoints
    if let zero = inputZeroPoint, !allowed.contains(zero) {
      return
        "the input's zero is \(zero), allowed are \(allowed.lowerBound) to \(allowed.upperBound)"
    }
    let bad = ranges.filter { !($0.value > 0 && $0.value.isFinite) }.keys.min()
    return bad.map { "the range of \($0.prefix(80)) must be a finite number above 0" }
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

  /// Returns the range of the output of a lowered graph's node; nil if it has none.
  package func range(of node: Graph.Node) -> Float? {
    guard floatingPoint == nil else { return ranges[node.resultName] }
    // A file may have been calibrated by a release that computed an activation by itself.
    return ranges[node.resultName] ?? ranges[node.name]
  }

  /// Tells whether a layer of a lowered graph is to compute in floating point.
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
    // Sorted, so that equal calibrations are written alike.
    try container.encodeIfPresent(floatingPoint?.sorted(), forKey: .floatingPoint)
    try container.encodeIfPresent(inputZeroPoint, forKey: .inputZeroPoint)
  }
}
