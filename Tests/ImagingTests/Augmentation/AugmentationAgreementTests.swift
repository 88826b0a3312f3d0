import Foundation
import Imaging
import Testing

/// Views as torchvision's transforms make them of the same random numbers.
struct AugmentationCase: Decodable, Sendable, CustomStringConvertible {
  struct Part: Decodable, Sendable {
    let scale: [Double]
    let ratio: [Double]
  }
  struct Jitter: Decodable, Sendable {
    let brightness: Double?
    let contrast: Double?
    let saturation: Double?
    let hue: Double?
  }
  struct Rectangle: Decodable, Sendable {
    let probability: Double
    let scale: [Double]
    let ratio: [Double]
  }

  let file: String
  let seed: UInt64
  let epoch: Int
  let image: Int
  let filter: String
  let grey: Bool
  let padding: Int?
  let resized: Part?
  let flips: Bool
  let jitter: Jitter?
  let erasing: Rectangle?
  /// Top, left, height and width.
  let erased: [Int]?
  var description: String { file }

  var key: AugmentationKey { AugmentationKey(seed: seed, epoch: epoch, image: image) }

  var augmentation: Augmentation {
    var crop = Augmentation.Crop.plain
    if let padding { crop = .padded(padding) }
    if let resized {
      crop = .resized(
        scale: resized.scale[0]...resized.scale[1], ratio: resized.ratio[0]...resized.ratio[1])
    }
    return Augmentation(
      crop: crop, flip: flips ? .random : .none,
      jitter: jitter.map {
        ColourJitter(
          brightness: $0.brightness ?? 0, contrast: $0.contrast ?? 0,
          saturation: $0.saturation ?? 0, hue: $0.hue ?? 0)
      },
      erasing: erasing.map {
        Erasing(
          probability: $0.probability, scale: $0.scale[0]...$0.scale[1],
          ratio: $0.ratio[0]...$0.ratio[1])
      })
  }

  static let all: [AugmentationCase] = {
    do {
      return try JSONDecoder().decode(
        [AugmentationCase].self, from: Data(Fixtures.bytes("augmentation/cases.json")))
    } catch {
      preconditionFailure("cases.json: \(error)")
    }
  }()
}

struct AugmentationAgreementTests {
  /// Canvas of 64 x 52 pixels, views of 24 x 20, as in `make-augmentation.py`.
  private static func rule(_ filter: ResizeFilter, grey: Bool) throws -> CanvasRule {
    let zeros = [Float](repeating: 0, count: grey ? 1 : 3)
    return try CanvasRule(
      Preprocessing(
        resize: .exact(height: 64, width: 52, filter: filter),
        crop: .center(height: 24, width: 20), channelOrder: grey ? .grey : .rgb, mean: zeros,
        std: zeros.map { _ in 1 }))
  }

  @Test(
    "Views have the pixels of torchvision's transforms, bit for bit",
    arguments: AugmentationCase.all)
  func agreesWithTorchvision(sample: AugmentationCase) throws {
    let rule = try Self.rule(#require(ResizeFilter(rawValue: sample.filter)), grey: sample.grey)
    let canvas = try rule.canvas(of: Fixtures.bytes("resize-source.png"))
    let view = rule.view(canvas, sample.augmentation, key: sample.key)
    let expected = Fixtures.bytes("augmentation/" + sample.file)
    let channels = sample.grey ? 1 : 3
    #expect(expected.count == view.count)
    var differing: [Int] = []
    for place in view.indices {
      let (channel, y, x) = (place / 480, place % 480 / 20, place % 20)
      var byte = expected[(y * 20 + x) * channels + channel]
      if let box = sample.erased, box[0]..<box[0] + box[2] ~= y, box[1]..<box[1] + box[3] ~= x {
        byte = 0
      }
      if view[place] != Float(byte) / 255 { differing.append(place) }
    }
    #expect(differing == [])
  }
}

extension CanvasRule {
  func canvas(of encoded: [UInt8]) throws -> Canvas {
    var bytes = [UInt8](repeating: 0, count: canvasByteCount)
    var span = bytes.mutableSpan
    try preprocessor().prepare(encoded.span, into: &span)
    return canvas(bytes.span)
  }

  func view(_ canvas: Canvas, _ augmentation: Augmentation, key: AugmentationKey) -> [Float] {
    // Numbers that no view has, to show what is not written.
    var pixels = [Float](repeating: .nan, count: viewCount)
    var span = pixels.mutableSpan
    view(canvas, augmentation, key: key, into: &span)
    return pixels
  }

  func plainView(_ canvas: Canvas) -> [Float] {
    var pixels = [Float](repeating: .nan, count: viewCount)
    var span = pixels.mutableSpan
    plainView(canvas, into: &span)
    return pixels
  }
}
