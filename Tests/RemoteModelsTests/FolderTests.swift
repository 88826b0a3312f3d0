import Checkpoint
import Foundation
import ModelStore
import RemoteModels
import Testing

@Suite struct FolderTests {
  private func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
  }

  @Test func `a folder is followed as it changes`() throws {
    let folder = try TemporaryFolder()
    var remote = RemoteModels(try RemoteSource(folder.path, environment: [:]))
    let error = #expect(throws: RemoteError.self) { try remote.pointer() }
    #expect(error.map { "\($0)".contains(folder.path + "/current.json") } == true)
    try withStore { store, incoming in
      for seed in 1...2 as ClosedRange<UInt8> {
        let bytes = model(seed)
        try write(bytes, to: folder.path + "/model-\(seed)")
        let text = pointer(try version(of: bytes).hex, "model-\(seed)")
        try write(text, to: folder.path + "/current.json")
        guard case .staged(let staged) = try remote.fetch(try remote.pointer(), into: store)
        else {
          Issue.record("not staged")
          return
        }
        _ = try store.keep(staged, name: "model", by: "follow")
      }
      #expect(store.versions().count == 2)
      #expect(try incoming().isEmpty)
    }
  }

  @Test func `what is no regular file is refused without waiting`() throws {
    let folder = try TemporaryFolder()
    let isMade = unsafe mkfifo(folder.path + "/current.json", 0o600) == 0
    #expect(isMade)
    var remote = RemoteModels(try RemoteSource(folder.path, environment: [:]))
    let error = RemoteError.transfer(
      address: folder.path + "/current.json", reason: "not a regular file")
    #expect(throws: error) { try remote.pointer() }
  }

  @Test func `a pointer with a member that is there twice is refused by its name`() throws {
    let folder = try TemporaryFolder()
    var remote = RemoteModels(try RemoteSource(folder.path, environment: [:]))
    let digits = try (1...2 as ClosedRange<UInt8>).map { try version(of: model($0)).hex }
    for twice in [#""version":"\#(digits[1])""#, #""file":"other""#] {
      let text = #"{"version":"\#(digits[0])","file":"model",\#(twice)}"#
      try write(Array(text.utf8), to: folder.path + "/current.json")
      let error = #expect(throws: RemoteError.self) { try remote.pointer() }
      #expect(error.map { "\($0)".contains("duplicate object key") } == true)
    }
    // A document may say more than is read.
    let more = #"{"version":"\#(digits[0])","file":"model","note":{"by":["somebody"]}}"#
    try write(Array(more.utf8), to: folder.path + "/current.json")
    #expect(try remote.pointer().version.hex == digits[0])
  }

  @Test func `a file that is not what the pointer names is not kept`() throws {
    let folder = try TemporaryFolder()
    var remote = RemoteModels(try RemoteSource(folder.path, environment: [:]))
    let text = pointer(try version(of: model(1)).hex, "model")
    try write(text, to: folder.path + "/current.json")
    try withStore { store, incoming in
      let named = try remote.pointer()
      for bytes in [Array(model(1).dropLast()), model(2), []] {
        try write(bytes, to: folder.path + "/model")
        #expect(throws: RemoteError.self) { try remote.fetch(named, into: store) }
        #expect(try incoming().isEmpty)
      }
    }
  }
}
