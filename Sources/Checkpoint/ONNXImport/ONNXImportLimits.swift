/// Limits on an ONNX graph beyond those of reading it.
enum ONNXImportLimits {
  /// Strides, pads, dilations and sides of windows.
  static let windowNumber = 1 << 16
  /// Numbers in all tensors that are computed while the graph is read, beside `foldedShare` of the
  /// file's: networks whose weights are standardised compute all of them.
  static let foldedElementCount = 1 << 24
  /// Numbers that may be computed for each byte of the file.
  static let foldedShare = 4
  /// Numbers in one of them, or as many as the file has in single precision; each number takes some
  /// thirty bytes while it is computed.
  static let resultElementCount = 1 << 22
  /// Dimensions of a tensor.
  static let rank = 8
  /// Rows or columns on one side that are reflected or otherwise taken from the map.
  static let reflectedCount = 16
  /// Rows or columns on one side that a negative padding takes away.
  static let croppedCount = 16
  /// Numbers of a view that takes all of a tensor in their order.
  static let viewedCount = 1 << 16
  /// Times that pixels are repeated to interpolate between corners.
  static let interpolationFactor = 128
  /// UTF-8 bytes of a node's name as it is kept.
  static let nameByteCount = 256
  /// Layers of the network. Compiled, one takes some 7 kB however small it is; ResNet-1202 has some
  /// 4,000.
  static let nodeCount = 16_384
  /// Multiply-adds and numbers in the windows of pools for one image: some 230 times a ResNet-50's.
  ///
  /// Feature maps count as `numberWork` says.
  static let work = 1 << 40
  /// Multiply-adds that take as long as reading and writing a number of a feature map, because
  /// memory is slower than arithmetic.
  static let numberWork = 64
  /// Multiple of the file's bytes that may become parameters: nodes may share tensors, and half
  /// precision is widened.
  static let sharing = 4
  /// Bytes of parameters that any file may have.
  static let sharedByteAllowance = 64 << 20
  static let classCount = 1_000_000
  static let inputSide = 4096
  /// Bytes of all tensors in other files together: as many as a single file may have.
  static let externalByteCount = 1 << 31
}
