import Decoding
import Imaging
import Serving

/// Images in files as a network's input; unreadable ones are reported once and left out.
struct PreparedImages {
  private let preprocessor: ImagePreprocessor
  private let decoder: any ImageDecoder

  init(_ contract: Preprocessing, _ decoder: any ImageDecoder) {
    preprocessor = ImagePreprocessor(contract)
    self.decoder = decoder
  }

  /// Hands over each image's `[3, H, W]` in turn, shows the progress, and returns how many images
  /// there were.
  func forEach(
    of paths: [String], _ label: String, _ body: (Span<Float>) throws -> Void
  ) throws -> Int {
    var bar = ProgressBar(label, total: paths.count)
    var pixels = [Float](repeating: 0, count: preprocessor.outputCount)
    var count = 0
    for path in paths {
      defer { bar.advance() }
      guard let bytes = Self.bytes(of: path) else { continue }
      do throws(DecodingFailure) {
        try Self.prepare(bytes, preprocessor, decoder, into: &pixels)
      } catch {
        Self.leaveOut(path, error.description)
        continue
      }
      try body(pixels.span)
      count += 1
    }
    return count
  }

  /// Returns nil, with a message, if a file cannot be read.
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
    _ bytes: [UInt8], _ preprocessor: ImagePreprocessor, _ decoder: any ImageDecoder,
    into pixels: inout [Float]
  ) throws(DecodingFailure) {
    let deadline = ContinuousClock.now + ServingLimits().requestTimeout
    // SAFETY: the encoding asks for as many bytes as the numbers have, and any bytes are numbers.
    var numbers = pixels.mutableSpan
    try unsafe numbers.withUnsafeMutableBytes { buffer throws(DecodingFailure) in
      var span = unsafe MutableSpan<UInt8>(_unsafeBytes: buffer)
      try decoder.prepare(bytes.span, by: preprocessor, into: &span, until: deadline)
    }
  }
}
