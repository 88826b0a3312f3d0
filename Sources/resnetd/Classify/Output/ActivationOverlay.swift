import Imaging
import Inference
import ResNet

/// Pictures of what a network sees, with a class activation map painted over it.
struct ActivationOverlay: Sendable {
  /// Opacity where the map is largest.
  private static let opacity: Float = 0.7
  /// Pixels of the shorter side at least: a smaller input is shown enlarged by a whole factor.
  private static let leastSide = 256

  /// What a decoder is asked for: the pixels of the network's input as bytes.
  let preprocessor: ImagePreprocessor
  private let channels: Int
  private let activation: ClassActivation

  /// Number that is subtracted from a byte to be sent as a signed one.
  private static let zero: UInt8 = 128

  /// - Throws: A failure if the model has no maps, or no pixels that can be shown.
  init(_ model: CompiledModel, limits: DecodingLimits) throws(Failure) {
    do throws(ClassActivationFault) { activation = try model.classActivation.get() } catch {
      throw Failure("--explain does not apply: \(error); leave it out")
    }
    let contract = model.preprocessing
    guard contract.channelOrder != .bands else {
      throw Failure(
        "--explain does not apply: the model takes images of bands, which have no colours to show; "
          + "leave it out")
    }
    let isGrey = contract.channelOrder == .grey
    channels = isGrey ? 1 : 3
    do throws(ImagingError) {
      let pixels = try Preprocessing(
        resize: contract.resize, crop: contract.crop, channelOrder: isGrey ? .grey : .rgb,
        mean: [Float](repeating: 0, count: channels), std: [Float](repeating: 1, count: channels),
        range: .byte, policies: contract.policies, exact: contract.exact)
      preprocessor = ImagePreprocessor(
        pixels, limits: limits, encoding: .s8(scale: 1, zeroPoint: -Int(Self.zero)))
    } catch {
      throw Failure("--explain does not apply: \(error)")
    }
  }

  /// Returns a PNG of the network's input in grey, the redder and yellower the more it speaks for a
  /// class; nil if it cannot be made.
  ///
  /// - Parameters:
  ///   - prepared: What `preprocessor` prepared.
  ///   - lastMap: The network's last map for the same image.
  func png(_ prepared: [UInt8], of label: Int, _ lastMap: [Float]) -> [UInt8]? {
    let (height, width) = (preprocessor.outputHeight, preprocessor.outputWidth)
    let enlargement = max(1, Self.leastSide / min(height, width))
    let map = activation.map(of: label, from: lastMap)
    let largest = max(map.max() ?? 0, .leastNormalMagnitude)
    let heat = map.map { max(0, $0) / largest }
    let rows = Self.neighbours(height * enlargement, in: activation.height)
    let columns = Self.neighbours(width * enlargement, in: activation.width)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * rows.count * columns.count)
    for (y, row) in rows.enumerated() {
      for (x, column) in columns.enumerated() {
        func between(_ row: Int) -> Float {
          let start = row * activation.width
          return Self.between(
            heat[start + column.first], heat[start + column.last], column.share)
        }
        let value = Self.between(between(row.first), between(row.last), row.share)
        let grey = grey(prepared, y / enlargement * width + x / enlargement)
        for colour in Self.colour(value) {
          let mixed = Self.between(grey, colour, Self.opacity * value)
          pixels.append(UInt8(min(max(mixed.rounded(), 0), 255)))
        }
      }
    }
    return PNGImage.encoded(pixels, width: columns.count, height: rows.count)
  }

  /// Returns a pixel's brightness: colours would be taken for those of the map.
  private func grey(_ prepared: [UInt8], _ pixel: Int) -> Float {
    let bytes = (0..<channels).map { Float(prepared[pixel * channels + $0] &+ Self.zero) }
    return bytes.reduce(0, +) / Float(channels)
  }

  /// Returns for each of `count` pixels the two of the map that it lies between, and the share of the
  /// second: centres of pixels at half numbers.
  private static func neighbours(
    _ count: Int, in mapCount: Int
  ) -> [(first: Int, last: Int, share: Float)] {
    (0..<count).map { place in
      let position = (Float(place) + 0.5) * Float(mapCount) / Float(count) - 0.5
      let inside = min(max(position, 0), Float(mapCount - 1))
      let first = Int(inside)
      return (first, min(first + 1, mapCount - 1), inside - Float(first))
    }
  }

  private static func between(_ first: Float, _ second: Float, _ share: Float) -> Float {
    first + (second - first) * share
  }

  /// Red, then yellow.
  private static func colour(_ value: Float) -> [Float] { [255, 230 * value, 0] }
}
