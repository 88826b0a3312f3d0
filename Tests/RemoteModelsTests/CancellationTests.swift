import Checkpoint
import Dispatch
import Foundation
import HTTPCore
import ModelStore
import RemoteModels
import Testing

@Suite struct CancellationTests {
  /// Time far below any limit that ends a transfer otherwise.
  private static let promptly = Duration.seconds(5)

  @Test func `a transfer that hangs ends as soon as it is cancelled, and leaves nothing`() throws {
    try withHost { host, address in
      try withStore { store, incoming in
        host.put("/current.json", pointer(try version(of: model(1)).hex, "hold"))
        let cancellation = Cancellation()
        var remote = RemoteModels(
          try RemoteSource(address, environment: [:]), cancellation: cancellation)
        let named = try remote.pointer()
        host.onHold { cancellation.cancel() }
        let start = ContinuousClock.now
        #expect(throws: RemoteError.cancelled) { try remote.fetch(named, into: store) }
        #expect(.now - start < Self.promptly)
        #expect(try incoming().isEmpty)
        #expect(throws: RemoteError.cancelled) { try remote.pointer() }
      }
    }
  }

  @Test func `a folder is not read any more once it is cancelled`() throws {
    let folder = try TemporaryFolder()
    let bytes = pointer(try version(of: model(1)).hex, "model")
    try Data(bytes).write(to: URL(filePath: folder.path + "/current.json"))
    let cancellation = Cancellation()
    var remote = RemoteModels(
      try RemoteSource(folder.path, environment: [:]), cancellation: cancellation)
    _ = try remote.pointer()
    cancellation.cancel()
    #expect(throws: RemoteError.cancelled) { try remote.pointer() }
  }

  @Test func `a wait ends with its time, and at once where it is cancelled`() {
    let cancellation = Cancellation()
    #expect(cancellation.wait(.milliseconds(1)))
    #expect(cancellation.wait(.seconds(-1)))
    let start = ContinuousClock.now
    DispatchQueue(label: "resnetd.tests.cancel").async { cancellation.cancel() }
    while cancellation.wait(.seconds(Int64.max)) {}
    #expect(!cancellation.wait(.seconds(60)))
    #expect(.now - start < Self.promptly)
  }
}
