/// Numbers that each byte of each channel becomes in the network's input, `[C, 256]` in its
/// encoding.
struct PixelTable: Sendable {
  private let encoding: PixelEncoding
  // The numbers are in the array of the encoding's type, and the others are empty. As cases of one
  // type their addresses would carry its tag, and a checker of leaks would not find them.
  private let floats: [Float]
  private let halves: [UInt16]
  private let bytes: [Int8]
  /// Channel of the image that each channel of the input is made from.
  private let sources: [Int]

  /// Computes `(x * range / 255 - mean) / std` of every byte of colours.
  init(_ contract: Preprocessing, _ encoding: PixelEncoding) {
    let values = contract.channelOrder.sources.indices.flatMap { channel in
      (0..<256).map { byte in
        let number = contract.range == .byte ? Float(byte) : Float(byte) / 255
        return (number - contract.mean[channel]) / contract.std[channel]
      }
    }
    (floats, halves, bytes) =
      switch encoding {
      case .planes, .fp32: (values, [], [])
      case .bf16: ([], values.map(Self.bfloat16), [])
      case .s8(let scale, let zeroPoint):
        ([], [], values.map { Self.s8($0, scale: scale, zeroPoint: zeroPoint) })
      }
    self.encoding = encoding
    sources = contract.channelOrder.sources
  }

  /// Writes a row of RGB into an image of `pixelCount` pixels, from its pixel `start` on.
  func write(
    _ row: UnsafePointer<UInt8>, count: Int, into output: UnsafeMutableRawPointer, at start: Int,
    of pixelCount: Int
  ) {
    precondition(start >= 0 && start + count <= pixelCount, "a row must lie in its image")
    let channels = sources.count
    let place = channels * start
    switch encoding {
    case .planes:
      unsafe spread(row, count, floats, output, at: start, step: 1, plane: pixelCount)
    case .fp32: unsafe spread(row, count, floats, output, at: place, step: channels, plane: 1)
    case .bf16: unsafe spread(row, count, halves, output, at: place, step: channels, plane: 1)
    case .s8: unsafe spread(row, count, bytes, output, at: place, step: channels, plane: 1)
    }
  }

  /// Writes number `x` of a channel to `start + x * step`, each channel `plane` numbers after the
  /// one before.
  private func spread<Number: BitwiseCopyable>(
    _ row: UnsafePointer<UInt8>, _ count: Int, _ table: [Number],
    _ output: UnsafeMutableRawPointer, at start: Int, step: Int, plane: Int
  ) {
    let numbers = unsafe output.assumingMemoryBound(to: Number.self) + start
    // SAFETY: `write` bounds the output, a byte bounds the table's index, and `row` holds `count`
    // pixels.
    unsafe table.withUnsafeBufferPointer { table in
      for channel in sources.indices {
        let target = unsafe numbers + channel * plane
        let source = unsafe row + sources[channel]
        let values = unsafe table.baseAddress! + 256 * channel
        for x in 0..<count { unsafe target[x * step] = values[Int(source[3 * x])] }
      }
    }
  }

  /// Rounds to a signed byte.
  static func s8(_ value: Float, scale: Float, zeroPoint: Int) -> Int8 {
    let number = (value / scale).rounded(.toNearestOrEven) + Float(zeroPoint)
    return Int8(max(-128, min(127, number)))
  }

  /// Rounds to the upper half of the number, to nearest, ties to even.
  static func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }
}
