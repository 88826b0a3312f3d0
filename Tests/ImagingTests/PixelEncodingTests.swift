import Imaging
import Testing

/// Every encoding compared with planes of single precision.
@Suite struct PixelEncodingTests {
  /// Contract for an image smaller than its output, so that there is padding too; channels swapped.
  private static let contract = try? Preprocessing(
    resize: .none, crop: .center(height: 30, width: 40), channelOrder: .bgr,
    mean: [0.1, 0.5, 0.9], std: [0.2, 0.3, 0.4])

  private func planes() throws -> [Float] {
    let preprocessor = ImagePreprocessor(try #require(Self.contract))
    var pixels = [Float](repeating: .nan, count: preprocessor.outputCount)
    var span = pixels.mutableSpan
    try preprocessor.prepare(Fixtures.bytes("rgb.png").span, into: &span)
    return pixels
  }

  private func bytes(_ encoding: PixelEncoding) throws -> [UInt8] {
    let preprocessor = ImagePreprocessor(try #require(Self.contract), encoding: encoding)
    var bytes = [UInt8](repeating: 0xa5, count: preprocessor.outputByteCount)
    var span = bytes.mutableSpan
    try preprocessor.prepare(Fixtures.bytes("rgb.png").span, into: &span)
    return bytes
  }

  /// Numbers of the planes, with those of a pixel next to each other.
  private func interleaved() throws -> [Float] {
    let planes = try planes()
    let pixelCount = planes.count / 3
    return (0..<planes.count).map { planes[$0 % 3 * pixelCount + $0 / 3] }
  }

  @Test("Pixels of single precision are the planes' numbers in another order")
  func fp32() throws {
    let expected = try interleaved().flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
    }
    #expect(try bytes(.fp32) == expected)
    #expect(try bytes(.planes).count == expected.count)
  }

  @Test(
    "Numbers that are prepared already are encoded as the image's own",
    arguments: [.planes, .fp32, .bf16, .s8(scale: 0.02, zeroPoint: 40)] as [PixelEncoding])
  func encodes(encoding: PixelEncoding) throws {
    let preprocessor = ImagePreprocessor(try #require(Self.contract), encoding: encoding)
    var bytes = [UInt8](repeating: 0xa5, count: preprocessor.outputByteCount)
    var span = bytes.mutableSpan
    preprocessor.encode(try planes(), into: &span)
    #expect(try bytes == self.bytes(encoding))
  }

  @Test("A mean and deviation on the scale to 255 give the numbers of those on the scale to 1")
  func byteRange() throws {
    let contract = try #require(Self.contract)
    let preprocessor = ImagePreprocessor(
      try Preprocessing(
        resize: contract.resize, crop: contract.crop, channelOrder: .bgr,
        mean: contract.mean.map { $0 * 255 }, std: contract.std.map { $0 * 255 }, range: .byte))
    let planes = try preprocessor.prepare(Fixtures.bytes("rgb.png"))
    for (found, expected) in zip(planes, try self.planes()) {
      #expect(abs(found - expected) < 1e-5)
    }
    #expect(planes.contains { $0 > 1 })
  }

  @Test("bfloat16 is the nearest, by at most half of its last bit")
  func bf16() throws {
    let bytes = try bytes(.bf16)
    for (index, value) in try interleaved().enumerated() {
      let half = UInt32(bytes[2 * index]) | UInt32(bytes[2 * index + 1]) << 8
      let found = Float(bitPattern: half << 16)
      #expect(abs(found - value) <= abs(value) / 256)
    }
  }

  @Test("Bytes are the nearest multiple of their scale, clamped at the ends", arguments: [0, 40])
  func s8(zeroPoint: Int) throws {
    let scale: Float = 0.02
    let bytes = try bytes(.s8(scale: scale, zeroPoint: zeroPoint))
    var clampedCount = 0
    for (index, value) in try interleaved().enumerated() {
      let found = Float(Int(Int8(bitPattern: bytes[index])) - zeroPoint) * scale
      let wanted = max(Float(-128 - zeroPoint) * scale, min(Float(127 - zeroPoint) * scale, value))
      if wanted != value { clampedCount += 1 }
      #expect(abs(found - wanted) <= scale * 0.501)
    }
    #expect(clampedCount > 0)
  }
}
