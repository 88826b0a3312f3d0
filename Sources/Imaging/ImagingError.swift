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
  /// Returns what a contract that refuses a kind of images takes, and how one becomes so.
  private static func wayToAccepted(from kind: String) -> String {
    switch kind {
    case "transparent": "it takes opaque ones: save the image without alpha, over a background"
    case "grey": "it takes images in colour: send one in RGB"
    case "CMYK": "it takes RGB: convert the image to it"
    case "16-bit": "it takes 8 bits a sample: save the image with 8"
    case "8-bit": "it takes 16 bits a sample: send the image as it was made, with 16"
    default: "send another kind of image"
    }
  }

  package var description: String {
    switch self {
    case .unsupportedFormat(let content):
      content.explanation
    case .unsupportedFeature(let format, let reason):
      "the \(format.name) image cannot be decoded: \(reason)"
    case .corrupt(let format, let reason):
      "the \(format.name) image is corrupt: \(reason) (send an undamaged copy of it, or save it anew)"
    case .truncated(let format):
      "the \(format.name) image is truncated: its bytes end before it does; send the whole file"
    case .pixelCount(let width, let height, let limit):
      "the image has \(width) x \(height) pixels, over the limit of \(limit): send a smaller one"
    case .decodedByteCount(let actual, let limit):
      "decoding the image needs \(actual) bytes, over the limit of \(limit): send a smaller one"
    case .refusedByContract(let kind):
      "the model does not accept \(kind) images; \(Self.wayToAccepted(from: kind))"
    case .channels(let found, let expected, let fault):
      fault.description(found: found, expected: expected)
    case .invalidContract(let reason):
      "invalid preprocessing: \(reason)"
    case .outOfMemory:
      "out of memory"
    }
  }
}
