import Foundation
import ModelStore

/// Runs `body` with a new store in a folder of its own; `incoming` lists the files staged there.
func withStore(
  _ limits: StoreLimits = StoreLimits(),
  _ body: (_ store: ModelStore, _ incoming: () throws -> [String]) throws -> Void
) throws {
  let folder = try TemporaryFolder()
  let path = folder.path + "/store"
  let store = try ModelStore(folder: path, limits: limits)
  try withExtendedLifetime(folder) {
    try body(store) { try FileManager.default.contentsOfDirectory(atPath: path + "/incoming") }
  }
}
