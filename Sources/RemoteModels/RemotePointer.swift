package import Checkpoint
import FoundationEssentials
import ModelStore

/// What a remote store's `current.json` says: `{"version": "<64 digits>", "file": "name"}`.
package struct RemotePointer: Sendable, Hashable {
  static let fileName = "current.json"
  private static let nameByteLimit = 255

  package let version: ModelVersion
  /// Of the file beside the pointer, of letters, digits, `.`, `_` and `-`: it is part of an address and of a path.
  package let file: String

  private struct Document: Codable {
    let version: String
    let file: String
  }

  /// Unknown keys are ignored, so that a pointer may say more.
  init(json: [UInt8], address: String) throws(RemoteError) {
    guard let document = try? JSONDecoder().decode(Document.self, from: Data(json)) else {
      throw .malformedPointer(
        address: address, reason: #"not {"version": "<64 digits>", "file": "name"}"#)
    }
    guard let version = ModelVersion(digits: document.version) else {
      throw .malformedPointer(
        address: address, reason: "the version is not 64 lower-case hexadecimal digits")
    }
    guard Self.isName(document.file) else {
      throw .malformedPointer(
        address: address,
        reason: "the file is no plain name of letters, digits, '.', '_' and '-'")
    }
    self.version = version
    file = document.file
  }

  private static func isName(_ text: String) -> Bool {
    1...nameByteLimit ~= text.utf8.count && text.utf8.first != UInt8(ascii: ".")
      && text.utf8.allSatisfy(RemoteSource.isPlain)
  }
}
