/// The ranges of a network's activations, measured on pictures, from which int8 takes its scales.
package struct Calibration: Sendable, Hashable, Codable {
  /// How the ranges were chosen and on how many pictures, for people.
  package var method: String
  /// By the names of the lowered graph's nodes (`input`, `layer1.0.conv1`, …): the magnitude that the largest
  /// integer stands for, above 0.
  package var ranges: [String: Float]

  /// UTF-8 bytes of `method`.
  static let methodByteCountLimit = 1024
  static let rangeCountLimit = 16_384

  /// Why it cannot be used; nil where it can.
  package var fault: String? {
    if method.utf8.count > Self.methodByteCountLimit {
      return "a method of \(method.utf8.count) bytes, the limit is \(Self.methodByteCountLimit)"
    }
    if ranges.count > Self.rangeCountLimit {
      return "\(ranges.count) ranges, the limit is \(Self.rangeCountLimit)"
    }
    let bad = ranges.filter { !($0.value > 0 && $0.value.isFinite) }.keys.min()
    return bad.map { "the range of \($0.prefix(80)) is not a positive number" }
  }

  package init(method: String, ranges: [String: Float]) {
    self.method = method
    self.ranges = ranges
  }
}
