extension PixelEncoding {
  /// Writes planes `[C, H, W]` in this form, rounded as `PixelTable` rounds what it makes of bytes.
  ///
  /// - Parameter bytes: Room for as many numbers, at the alignment of one.
  func write(_ planes: [Float], channelCount: Int, into bytes: inout MutableSpan<UInt8>) {
    precondition(bytes.count == planes.count * byteCount, "bytes must hold all numbers")
    // SAFETY: the precondition bounds every store, which may be at any address.
    unsafe bytes.withUnsafeMutableBytes { output in
      switch self {
      case .planes:
        for index in planes.indices {
          unsafe output.storeBytes(
            of: planes[index], toByteOffset: index * byteCount, as: Float.self)
        }
      case .fp32: unsafe Self.spread(planes, channelCount, output) { $0 }
      case .bf16: unsafe Self.spread(planes, channelCount, output, PixelTable.bfloat16)
      case .s8(let scale, let zeroPoint):
        unsafe Self.spread(planes, channelCount, output) {
          PixelTable.s8($0, scale: scale, zeroPoint: zeroPoint)
        }
      }
    }
  }

  /// Writes the channels of a pixel next to each other.
  private static func spread<Number: BitwiseCopyable>(
    _ planes: [Float], _ channelCount: Int, _ output: UnsafeMutableRawBufferPointer,
    _ encoded: (Float) -> Number
  ) {
    let pixelCount = planes.count / channelCount
    for channel in 0..<channelCount {
      for pixel in 0..<pixelCount {
        unsafe output.storeBytes(
          of: encoded(planes[channel * pixelCount + pixel]),
          toByteOffset: (pixel * channelCount + channel) * MemoryLayout<Number>.size,
          as: Number.self)
      }
    }
  }
}
