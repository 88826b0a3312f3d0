import CImageCodec

/// Small images for pages.
package enum WebPImage {
  /// Returns a lossy WebP of rows of RGB; nil if it cannot be made.
  ///
  /// - Parameters:
  ///   - rgb: `[H, W, 3]`.
  ///   - quality: 0 to 100.
  package static func encoded(_ rgb: [UInt8], width: Int, height: Int, quality: Float) -> [UInt8]? {
    precondition(rgb.count == 3 * width * height, "there must be three bytes for each pixel")
    // Noise at the best quality takes less than its pixels and the container's head.
    let capacity = rgb.count + 4096
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      // SAFETY: the encoder reads as many bytes as the sides say, and writes no more than fit.
      count = unsafe rgb.withUnsafeBufferPointer { pixels in
        guard let source = pixels.baseAddress, let target = buffer.baseAddress else { return 0 }
        return unsafe image_codec_webp_encode(
          source, UInt32(width), UInt32(height), quality, target, capacity)
      }
    }
    return bytes.isEmpty ? nil : bytes
  }
}
