/// Limits on what is read and computed; those on parsing are in COnnx.
package struct ONNXLimits: Sendable {
  /// Elements of one tensor, each of which takes eight bytes in evaluation.
  package var elementCountLimit = 1 << 27
  /// Elements of all tensors that are alive at once in evaluation.
  package var liveElementCountLimit = 1 << 30
  /// Multiply-adds, or elements touched, in a whole evaluation: some 250 times those of a
  /// ResNet-50.
  package var workLimit = 1 << 40
  /// Bytes of one tensor outside the file.
  package var externalByteCountLimit = 1 << 33
  /// Dimensions of a tensor.
  static let rankLimit = 16
  /// Sizes, pads and strides in attributes.
  static let attributeLimit = Int(Int32.max)

  package init() {}
}
