import Decoding
import Files
import HTTPCore
import Imaging
import Serving

/// The bytes of images in files, within the limit of a request's body.
enum ImageReader {
  enum Outcome {
    case bytes([UInt8])
    case failure(Problem)
    /// A file without an ending that is not an image.
    case notImage
  }

  static let byteCountLimit = ServingLimits().bodyByteLimit
  /// Bytes that tell an image's format.
  static let magicByteCount = 512

  static func read(_ image: ListedImage) -> Outcome {
    if let fault = image.fault { return .failure(Problem(400, .unreadableFile, fault)) }
    do throws(Failure) {
      switch image.origin {
      case .operand: return .bytes(try FileBytes.read(image.path, limit: byteCountLimit))
      case .file, .unnamed: return try file(image)
      }
    } catch {
      return .failure(Problem(400, .unreadableFile, error.message))
    }
  }

  /// Reads an image and hands its bytes to a decoder, with the time until which it may take.
  ///
  /// - Returns: The bytes, if they were decoded.
  /// - Throws: Why no image can be decoded any more.
  static func decode(
    _ image: ListedImage, _ source: any DecoderSource,
    by decode: ([UInt8], ContinuousClock.Instant) throws(DecodingFailure) -> Void
  ) throws(Failure) -> Outcome {
    try Self.decode(read(image), source, by: decode)
  }

  /// The same for an image that has been read.
  static func decode(
    _ outcome: Outcome, _ source: any DecoderSource,
    by decode: ([UInt8], ContinuousClock.Instant) throws(DecodingFailure) -> Void
  ) throws(Failure) -> Outcome {
    guard case .bytes(let bytes) = outcome else { return outcome }
    do throws(DecodingFailure) {
      try decode(bytes, .now + ServingLimits().requestTimeout)
      return outcome
    } catch {
      if case .unavailable = error, let fault = source.fault { throw Failure(fault) }
      return .failure(Problem(error))
    }
  }

  private static func file(_ image: ListedImage) throws(Failure) -> Outcome {
    do throws(FileError) {
      let file = try RegularFile(image.path)
      if image.origin == .unnamed {
        let magic = try file.read(count: min(magicByteCount, file.byteCount), at: 0)
        guard ImageFormat(magicBytesOf: magic.span) != nil else { return .notImage }
      }
      return .bytes(try file.readAll(limit: byteCountLimit))
    } catch {
      throw Failure(
        error.number == 0 ? error.reason : "cannot \(error.doing) it: \(error.reason)")
    }
  }
}

extension Problem {
  /// What to tell of an image in a file, by a command with the option `--pixel-limit`.
  var detailForFiles: String {
    status == 413
      ? "\(detail) (--pixel-limit N sets how many pixels an image may have)" : detail
  }
}

extension ProblemKind {
  /// Kind that only the program's own commands use, in place of a problem with a request's body.
  static let unreadableFile = ProblemKind("unreadable-file")
}
