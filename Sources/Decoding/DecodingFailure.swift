package import Imaging

/// Reason why an image could not become a network's input.
package enum DecodingFailure: Error, Hashable {
  /// The image, or the model's contract, is at fault.
  case image(ImagingError)
  /// It was not finished by its deadline.
  case deadline
  /// It took longer than any image may, whatever the request's deadline.
  case tooSlow(limit: Duration)
  /// It needs memory that others hold at present.
  case noRoom(neededByteCount: Int)
  /// It needs more memory than it could ever have.
  case tooLarge(neededByteCount: Int, limit: Int)
  /// It took more memory than its header announces and an image may take besides.
  case outgrown(grantedByteCount: Int)
  /// A fault in a codec killed the process that decoded it.
  case crashed
  /// No image can be decoded at present.
  case unavailable(String)
}

extension DecodingFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .image(let error): error.description
    case .deadline: "the deadline passed before the image was decoded"
    case .tooSlow(let limit): "decoding the image takes longer than the limit of \(limit)"
    case .noRoom(let count):
      "decoding the image takes \(count) bytes, more than are free at present; try again later"
    case .tooLarge(let count, let limit):
      "decoding the image takes \(count) bytes, and the memory limit leaves \(limit) for one image; send a "
        + "smaller one, or allow more memory by --memory-limit of serve or the control group"
    case .outgrown(let count):
      "decoding the image takes more than the \(count) bytes that were reserved for it"
    case .crashed: "the image is corrupt: its decoder failed on it"
    case .unavailable(let reason): "images cannot be decoded at present: \(reason)"
    }
  }
}
