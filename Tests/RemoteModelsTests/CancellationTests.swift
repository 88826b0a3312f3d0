import Checkpoint
import Dispatch
import Foundation
import HTTPCore
import ModelStore
import RemoteModels
import Testing

@Suite struct CancellationTests {
  @Test func `a transfer that hangs ends as soon as it is cancelled, and leaves nothing`() throws {
    try withHost { host, address in
      try withStore { store, incoming in
        host.put("/current.json", pointer(try version(of: model(1)).hex, "hold"))
        let cancellation = Cancellation()
        var limits = RemoteLimits()
        // No other limit ends the transfer within the time that tests have.
        (limits.stallTimeout, limits.modelTimeout) = (.seconds(86400), .seconds(86400))
        var remote = RemoteModels(
          try RemoteSource(address, environment: [:]), limits: limits, cancellation: cancellation)
        let named = try remote.pointer()
        host.onHold { cancellation.cancel() }
        #expect(throws: RemoteError.cancelled) { try remote.fetch(named, into: store) }
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
    DispatchQueue(label: "resnetd.tests.cancel").async { cancellation.cancel() }
    while cancellation.wait(.seconds(Int64.max)) {}
    #expect(!cancellation.wait(.seconds(60)))
  }
}
