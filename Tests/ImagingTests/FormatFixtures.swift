import Foundation
import Imaging

/// Images of the formats beyond JPEG, PNG and WebP, and Pillow's results for them;
/// `Formats/make-formats.py` makes both.
struct FormatFixtures: Decodable {
  struct Image: Decodable, Sendable, CustomStringConvertible {
    let file: String
    let width: Int
    let height: Int
    /// Largest and mean difference that a lossy format may have.
    let largest: Int
    let mean: Double
    var description: String { file }

    var bytes: [UInt8] { Fixtures.bytes("Formats/" + file) }
    var expected: [UInt8] { Fixtures.bytes("Formats/" + file + ".rgb") }

    /// Whether the libraries for it are installed here.
    var isDecodable: Bool {
      ImageFormat(magicBytesOf: bytes.span).map(CodecVersions.areInstalled) ?? false
    }
  }

  let images: [Image]

  static let listing: FormatFixtures = {
    do {
      let data = Data(Fixtures.bytes("Formats/expected.json"))
      return try JSONDecoder().decode(FormatFixtures.self, from: data)
    } catch {
      preconditionFailure("expected.json: \(error)")
    }
  }()

  /// Images whose libraries are installed.
  static let decodable = listing.images.filter(\.isDecodable)
}
