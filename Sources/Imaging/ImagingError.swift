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
  /// The image has other channels than the network takes.
  case channels(found: Int, expected: Int, ChannelFault)
  /// The contract itself is not usable.
  case invalidContract(reason: String)
  case outOfMemory
}

/// Reason why the channels of an image are not those of a network's input.
package enum ChannelFault: Sendable, Hashable, CaseIterable {
  /// There are more or fewer bands.
  case count
  /// They are colours, or several are transparency, and the network takes bands.
  case colours
  /// They are bands, and the network takes colours.
  case bands
  /// One of them is marked as transparency, of which the contract does not say what it is.
  case transparency

  fileprivate func description(found: Int, expected: Int) -> String {
    let image = "the image has \(found) \(found == 1 ? "channel" : "channels")"
    let bands = "\(expected) \(expected == 1 ? "band" : "bands")"
    let remedy =
      "send a TIFF with \(expected) \(expected == 1 ? "sample" : "samples") of 8 or 16 bits for each "
      + "pixel"
    switch self {
    case .count: return "\(image), the model takes \(bands): \(remedy)"
    case .colours:
      return
        "\(image) that \(found == 1 ? "is a colour" : "are colours"), the model takes \(bands): "
        + "\(remedy), marked as grey (BlackIsZero) or as RGB with further samples, at most one of them "
        + "as transparency"
    case .bands:
      return "\(image) that are not colours, the model takes \(expected == 1 ? "grey" : "RGB"): "
        + "send an image of colours"
    case .transparency:
      return "\(image), one of them marked as transparency, the model takes \(bands): mark it as "
        + "unspecified (ExtraSamples 0) or leave it out, or say in the model's contract whether to "
        + "take it as a band (alpha.policy band, drop)"
    }
  }
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
    case .channels(let found, let expected, let fault):
      fault.description(found: found, expected: expected)
    case .invalidContract(let reason):
      "invalid preprocessing: \(reason)"
    case .outOfMemory:
      "out of memory"
    }
  }
}
