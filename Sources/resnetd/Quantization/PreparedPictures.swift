import Imaging
import Serving

/// Pictures in files as a network's input; those that cannot be read are named once and left out.
struct PreparedPictures {
  let usablePaths: [String]
  private let preprocessor: ImagePreprocessor

  init(_ paths: [String], _ contract: Preprocessing) {
    let preprocessor = ImagePreprocessor(contract)
    self.preprocessor = preprocessor
    var bar = ProgressBar("pictures", total: paths.count)
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    usablePaths = paths.filter { path in
      defer { bar.advance() }
      guard let bytes = Self.bytes(of: path) else { return false }
      do throws(ImagingError) {
        try Self.prepare(bytes, preprocessor, into: &pixels)
        return true
      } catch {
        Self.leaveOut(path, error.description)
        return false
      }
    }
  }

  /// Hands over each picture's `[3, H, W]` in turn, and shows how far it is.
  func forEach(_ label: String, _ body: ([Float]) throws -> Void) throws {
    var bar = ProgressBar(label, total: usablePaths.count)
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    for path in usablePaths {
      let bytes = try FileBytes.read(path, limit: ServingLimits().bodyByteLimit)
      try Self.prepare(bytes, preprocessor, into: &pixels)
      try body(pixels)
      bar.advance()
    }
  }

  /// Nil, with a message, for a file that cannot be read.
  static func bytes(of path: String) -> [UInt8]? {
    do throws(Failure) {
      return try FileBytes.read(path, limit: ServingLimits().bodyByteLimit)
    } catch {
      leaveOut(path, error.message)
      return nil
    }
  }

  static func leaveOut(_ path: String, _ reason: String) {
    StandardError.write("resnetd quantize: \(path): \(reason); left out")
  }

  private static func prepare(
    _ bytes: [UInt8], _ preprocessor: ImagePreprocessor, into pixels: inout [Float]
  ) throws(ImagingError) {
    var span = pixels.mutableSpan
    try preprocessor.prepare(bytes.span, into: &span)
  }
}
