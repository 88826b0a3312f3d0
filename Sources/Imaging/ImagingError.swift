/// Reason why an image could not become numbers, or a contract was rejected.
package enum ImagingError: Error, Hashable {
  /// The first bytes are not those of a format that is decoded, or there are none.
  case unsupportedFormat(ForeignContent)
  /// A known format used in a way that is not decoded, such as 12-bit JPEG.
  case unsupportedFeature(format: ImageFormat, reason: String)
  /// The bytes break the rules of their format.
  case corrupt(format: ImageFormat, reason: String)
  /// The bytes end too early.
  case truncated(format: ImageFormat)
  /// The header announces more pixels than allowed.
  case pixelCount(width: Int, height: Int, limit: Int)
  /// Decoding or resizing would hold more bytes at once than allowed.
  case decodedByteCount(actual: Int, limit: Int)
  /// The model's contract refuses images of this kind.
  case refusedByContract(kind: String)
  /// The contract itself is not usable.
  case invalidContract(reason: String)
  case outOfMemory
}

extension ImagingError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unsupportedFormat(let content):
      content.explanation
    case .unsupportedFeature(let format, let reason):
      "the \(format.name) image cannot be decoded: \(reason)"
    case .corrupt(let format, let reason):
      "the \(format.name) image is corrupt: \(reason)"
    case .truncated(let format):
      "the \(format.name) image is truncated"
    case .pixelCount(let width, let height, let limit):
      "the image has \(width) x \(height) pixels, over the limit of \(limit)"
    case .decodedByteCount(let actual, let limit):
      "decoding the image needs \(actual) bytes, over the limit of \(limit)"
    case .refusedByContract(let kind):
      "the model does not accept \(kind) images"
    case .invalidContract(let reason):
      "invalid preprocessing: \(reason)"
    case .outOfMemory:
      "out of memory"
    }
  }
}
