/// Bounds of an ONNX graph beside those of reading it.
enum ONNXImportLimits {
  /// Strides, pads, dilations and sides of windows.
  static let windowNumber = 1 << 16
  /// Numbers of all tensors that are computed while the graph is read.
  static let foldedElementCount = 1 << 24
  /// UTF-8 bytes of a node's name as it is kept.
  static let nameByteCount = 256
  static let classCount = 1_000_000
  static let inputSide = 4096
}
