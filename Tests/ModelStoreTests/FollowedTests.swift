import Checkpoint
import Foundation
import Glibc
import ModelStore
import Testing

/// The store's memory of a remote store that is followed.
@Suite struct FollowedTests {
  @Test func `what was acted on last is known after opening again, of that source alone`() throws {
    let fixture = try StoreFixture()
    var store: ModelStore? = try fixture.open()
    let (a, b) = (
      try #require(try store?.store(model(1))), try #require(try store?.store(model(2)))
    )
    #expect(store?.followed("one") == nil)
    try store?.recordFollowed(a, of: "one")
    try store?.recordFollowed(b, of: "one")
    // Something else is live: the two are told apart.
    try store?.recordLive(a, by: "somebody")
    store = nil
    let again = try fixture.open()
    #expect(again.notices.isEmpty && again.live?.version == a)
    #expect(again.followed("one") == b && again.followed("two") == nil)
    try again.recordFollowed(a, of: "two")
    #expect(again.followed("one") == nil && again.followed("two") == a)
    #expect(try fixture.names(in: "incoming").isEmpty)
  }

  @Test(arguments: ["", "{}", #"{"format_version":1,"source":"one","version":"abc"}"#])
  func `a damaged record is as none`(_ text: String) throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    try fixture.write(text, to: "followed.json")
    #expect(store.followed("one") == nil)
    let version = try store.store(model(1))
    try store.recordFollowed(version, of: "one")
    #expect(store.followed("one") == version)
  }

  @Test func `where the disk fails the record stays as it was`() throws {
    let fixture = try StoreFixture()
    let disk = FaultyDisk()
    let store = try fixture.open(disk: disk.hook)
    let (a, b) = (try store.store(model(1)), try store.store(model(2)))
    try store.recordFollowed(a, of: "one")
    disk.fail(0..<1, with: ENOSPC)
    #expect(throws: StoreError.self) { try store.recordFollowed(b, of: "one") }
    #expect(store.followed("one") == a)
  }
}
