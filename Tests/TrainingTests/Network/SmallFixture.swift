import Foundation
import Testing

/// Fixtures/small.json.
struct SmallFixture {
  private let tree: [String: Any]

  init() throws {
    let folder = try #require(Bundle.module.resourceURL)
    let data = try Data(contentsOf: folder.appending(path: "Fixtures/small.json"))
    tree = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  func numbers(_ name: String) throws -> [Double] { try #require(tree[name] as? [Double]) }

  func loss(_ name: String) throws -> (loss: Double, gradient: [Double]) {
    let entry = try #require(tree[name] as? [String: Any])
    return (
      try #require(entry["loss"] as? Double), try #require(entry["gradient"] as? [Double])
    )
  }
}
