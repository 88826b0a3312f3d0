/// Bounds of an ONNX graph beside those of reading it.
enum ONNXImportLimits {
  /// Strides, pads, dilations and sides of windows.
  static let windowNumber = 1 << 16
  /// Numbers of all tensors that are computed while the graph is read.
  static let foldedElementCount = 1 << 24
  /// Numbers of one of them, which takes some thirty bytes for each while it is computed.
  static let resultElementCount = 1 << 22
  /// UTF-8 bytes of a node's name as it is kept.
  static let nameByteCount = 256
  /// Layers of the network. Compiled, one takes some seven kilobytes however small it is; ResNet-1202 has some 4,000.
  static let nodeCount = 16_384
  /// Multiply-adds and numbers in the windows of pools for one image, feature maps as `numberWork` has it: some 230
  /// times a ResNet-50's.
  static let work = 1 << 40
  /// Multiply-adds in whose time a number of a feature map is read and written: memory is slower than arithmetic.
  static let numberWork = 64
  /// How often the bytes of the file may become parameters: nodes may share tensors, half precision is widened.
  static let sharing = 4
  /// Bytes of parameters that any file may have.
  static let sharedByteAllowance = 64 << 20
  static let classCount = 1_000_000
  static let inputSide = 4096
  /// Bytes of tensors in other files, all together: as many as a file of its own may have.
  static let externalByteCount = 1 << 31
}
