import Foundation

/// The pictures beside the tests and what Pillow makes of them; `make-fixtures.py` says how.
struct Fixtures: Decodable {
  struct Picture: Decodable, Sendable, CustomStringConvertible {
    let file: String
    let width: Int
    let height: Int
    var description: String { file }
  }
  struct Resize: Decodable, Sendable, CustomStringConvertible {
    let file: String
    let filter: String
    let width: Int
    let height: Int
    var description: String { file }
  }
  /// One JPEG resized from its whole decoding and from its smaller one.
  struct Scaling: Decodable, Sendable, CustomStringConvertible {
    let picture: String
    let file: String
    let width: Int
    let height: Int
    let denominator: Int
    var description: String { file }
  }

  let pictures: [Picture]
  let resizes: [Resize]
  let resizeSource: String
  let scalings: [Scaling]

  private enum CodingKeys: String, CodingKey {
    case pictures, resizes, scalings
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

  static let listing: Fixtures = {
    do {
      return try JSONDecoder().decode(Fixtures.self, from: Data(bytes("expected.json")))
    } catch {
      preconditionFailure("expected.json: \(error)")
    }
  }()
}
