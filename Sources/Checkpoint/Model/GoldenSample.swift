/// An image and the logits that the model must give for it, by which a loaded model proves itself.
package struct GoldenSample: Sendable, Hashable {
  /// Limit on the samples in a file.
  package static let countLimit = 64
  /// Limit on the bytes of one encoded image.
  package static let imageByteCountLimit = 4 << 20

  /// An image file of any format, unchanged.
  package let encodedImage: [UInt8]
  /// Logits `[classes]`.
  package let logits: [Float]

  package init(encodedImage: [UInt8], logits: [Float]) {
    self.encodedImage = encodedImage
    self.logits = logits
  }
}
