import CImageCodec

/// Small images for files.
package enum PNGImage {
  /// Returns a PNG of rows of RGB; nil if it cannot be made.
  ///
  /// - Parameter rgb: `[H, W, 3]`.
  package static func encoded(_ rgb: [UInt8], width: Int, height: Int) -> [UInt8]? {
    precondition(rgb.count == 3 * width * height, "there must be three bytes for each pixel")
    // What deflate cannot shorten grows by a filter's byte a row and by the frames of its blocks.
    let capacity = rgb.count + rgb.count / 1024 + height + 4096
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      // SAFETY: the encoder reads as many bytes as the sides say, and writes no more than fit.
      count = unsafe rgb.withUnsafeBufferPointer { pixels in
        guard let source = pixels.baseAddress, let target = buffer.baseAddress else { return 0 }
        return unsafe image_codec_png_encode(
          source, UInt32(width), UInt32(height), target, capacity)
      }
    }
    return bytes.isEmpty ? nil : bytes
  }
}
