package import Checkpoint
import JSON
import ModelStore

/// Contents of a remote store's `current.json`: `{"version": "<64 digits>", "file": "name"}`.
package struct RemotePointer: Sendable, Hashable {
  static let fileName = "current.json"
  private static let nameByteLimit = 255

  package let version: ModelVersion
  /// Name of the file next to the pointer, of letters, digits, `.`, `_` and `-`, because it is part
  /// of an address and a path.
  package let file: String

  /// Parses a pointer. Unknown keys are ignored, so that a pointer may say more.
  init(json: [UInt8], address: String) throws(RemoteError) {
    let tree: JSONTree
    do {
      // Of two members with the same name one would be taken, and nobody could say which.
      tree = try unsafe JSONTree(json.span.bytes)
    } catch {
      throw .malformedPointer(
        address: address, reason: "\(Self.form): \(error.reason), byte \(error.offset)")
    }
    guard let digits = tree.root["version"]?.string, let file = tree.root["file"]?.string else {
      throw .malformedPointer(address: address, reason: Self.form)
    }
    guard let version = ModelVersion(digits: digits) else {
      throw .malformedPointer(
        address: address, reason: "the version is not 64 lower-case hexadecimal digits")
    }
    guard Self.isName(file) else {
      throw .malformedPointer(
        address: address,
        reason: "the file is not a plain name of letters, digits, '.', '_' and '-'")
    }
    self.version = version
    self.file = file
  }

  private static let form = #"not {"version": "<64 digits>", "file": "name"}"#

  private static func isName(_ text: String) -> Bool {
    1...nameByteLimit ~= text.utf8.count && text.utf8.first != UInt8(ascii: ".")
      && text.utf8.allSatisfy(RemoteSource.isPlain)
  }
}
