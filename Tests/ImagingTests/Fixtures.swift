import Foundation
import Imaging

/// Images beside the tests and Pillow's results for them; `make-fixtures.py` makes both.
struct Fixtures: Decodable {
  struct Image: Decodable, Sendable, CustomStringConvertible {
    let file: String
    let width: Int
    let height: Int
    /// Largest difference that other decoders and versions of lcms2 may make; nil for none.
    var largest: Int?
    var description: String { file }

    /// Whether the libraries for it are installed here.
    var isDecodable: Bool {
      ImageFormat(magicBytesOf: Fixtures.bytes(file).span).map(CodecVersions.areInstalled) ?? false
    }
  }
  struct Resize: Decodable, Sendable, CustomStringConvertible {
    let file: String
    let filter: String
    let width: Int
    let height: Int
    /// Colour around a letterbox.
    let fill: [UInt8]?
    var description: String { file }
  }
  /// JPEG resized from its full-size decoding and from its smaller one.
  struct Scaling: Decodable, Sendable, CustomStringConvertible {
    let image: String
    let file: String
    let width: Int
    let height: Int
    let denominator: Int
    var description: String { file }

    private enum CodingKeys: String, CodingKey {
      case image = "picture"
      case file, width, height, denominator
    }
  }

  let images: [Image]
  let resizes: [Resize]
  let letterboxes: [Resize]
  /// Of grey pixels.
  let greys: [Resize]
  /// Images with an ICC profile.
  let profiled: [Image]
  /// Images with an ICC profile for other colours than theirs.
  let foreign: [Image]
  let resizeSource: String
  let scalings: [Scaling]

  private enum CodingKeys: String, CodingKey {
    case images = "pictures"
    case resizes, letterboxes, greys, profiled, foreign, scalings
    case resizeSource = "resize_source"
  }

  static func bytes(_ file: String) -> [UInt8] {
    let path = Bundle.module.bundlePath + "/Fixtures/" + file
    do {
      return try [UInt8](Data(contentsOf: URL(filePath: path)))
    } catch {
      preconditionFailure("\(path): \(error)")
    }
  }

  /// Returns the JPEG with an EXIF block of nothing but an orientation, of 16 or 32 bits, after its
  /// first marker.
  static func oriented(
    _ jpeg: [UInt8], _ orientation: UInt8, isLong: Bool = false
  ) -> [UInt8] {
    let (type, value): (UInt8, [UInt8]) =
      isLong ? (4, [0, 0, 0, orientation]) : (3, [0, orientation, 0, 0])
    let block: [UInt8] =
      [0xFF, 0xE1, 0, 34] + Array("Exif\0\0".utf8) + Array("MM".utf8)
      + [0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, type, 0, 0, 0, 1] + value + [0, 0, 0, 0]
    return Array(jpeg[..<2]) + block + Array(jpeg[2...])
  }

  static let listing: Fixtures = {
    do {
      return try JSONDecoder().decode(Fixtures.self, from: Data(bytes("expected.json")))
    } catch {
      preconditionFailure("expected.json: \(error)")
    }
  }()
}
