import Checkpoint
import Foundation
import HTTPCore
import ModelStore
import RemoteModels
import ScriptedServer
import Testing

@Suite struct WebTests {
  private func follow(
    _ address: String, _ limits: RemoteLimits = RemoteLimits()
  ) throws -> RemoteModels {
    RemoteModels(try RemoteSource(address, environment: [:]), limits: limits)
  }

  @Test func `the model that the pointer names is fetched, and only once`() throws {
    try withHost { host, address in
      try withStore { store, incoming in
        try host.publish(model(1), as: "a.safetensors", in: "/models")
        var remote = try follow(address + "/models/")
        let pointer = try remote.pointer()
        #expect(pointer.version == (try version(of: model(1))) && pointer.file == "a.safetensors")
        guard case .staged(let staged) = try remote.fetch(pointer, into: store) else {
          Issue.record("not staged")
          return
        }
        #expect(staged.version == pointer.version && staged.byteCount == model(1).count)
        let kept = try store.keep(staged, name: pointer.file, by: "follow")
        try store.verify(kept.version)
        #expect(
          host.requests().map(\.target.path) == ["/models/current.json", "/models/a.safetensors"])
        #expect(try remote.fetch(pointer, into: store) == .kept(kept))
        #expect(host.requests().isEmpty)
        #expect(try incoming().isEmpty)
      }
    }
  }

  @Test func `a pointer that has not changed is not sent again, one that has is seen`() throws {
    try withHost { host, address in
      try host.publish(model(1), as: "a")
      var remote = try follow(address)
      let first = try remote.pointer()
      #expect(try remote.pointer() == first)
      #expect(host.requests().map { $0.fields["If-None-Match"] != nil } == [false, true])
      try host.publish(model(2), as: "b")
      #expect(try remote.pointer().file == "b")
    }
  }

  @Test(arguments: [204, 403, 404, 500, 503])
  func `any other status than 200 is told`(_ status: Int) throws {
    try withHost { host, address in
      try withStore { store, incoming in
        try host.publish(model(1), as: "a")
        var remote = try follow(address)
        let pointer = try remote.pointer()
        host.answer("/a", Response(status: status, body: status == 204 ? [] : [1, 2, 3]))
        host.answer("/current.json", Response(status: status))
        #expect(throws: RemoteError.status(address: address + "/a", status)) {
          try remote.fetch(pointer, into: store)
        }
        #expect(throws: RemoteError.status(address: address + "/current.json", status)) {
          try remote.pointer()
        }
        #expect(try incoming().isEmpty)
      }
    }
  }

  @Test func `bytes that are not those of the pointer's version are not kept`() throws {
    try withHost { host, address in
      try withStore { store, incoming in
        let (named, sent) = (try version(of: model(1)), try version(of: model(2)))
        host.put("/current.json", pointer(named.hex, "a"))
        host.put("/a", model(2))
        var remote = try follow(address)
        let error = RemoteError.wrongDigest(
          address: address + "/a", expected: named, actual: sent)
        let pointer = try remote.pointer()
        #expect(throws: error) { try remote.fetch(pointer, into: store) }
        #expect(store.versions().isEmpty)
        #expect(try incoming().isEmpty)
      }
    }
  }

  @Test(arguments: [
    "", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc", "no HTTP\r\n\r\n",
    "HTTP/1.1 200 OK\r\nETag: \(String(repeating: "x", count: 200_000))\r\n\r\n",
  ])
  func `a transfer that breaks off, or is none, leaves nothing behind`(_ text: String) throws {
    let folder = try TemporaryFolder()
    let server = try ScriptedServer(answering: text)
    try withStore { store, incoming in
      let bytes = pointer(String(repeating: "a", count: 64), "model")
      try Data(bytes).write(to: URL(filePath: folder.path + "/current.json"))
      var local = RemoteModels(try RemoteSource(folder.path, environment: [:]))
      let remote = try follow(server.address)
      let named = try local.pointer()
      #expect(throws: RemoteError.self) { try remote.fetch(named, into: store) }
      #expect(try incoming().isEmpty)
      // Nothing counts as an upload any more.
      for _ in 0...store.limits.uploadCountLimit {
        try store.beginUpload(expectedByteCount: 1).discard()
      }
    }
  }

  @Test func `an empty model is not kept`() throws {
    try withHost { host, address in
      try withStore { store, _ in
        try host.publish([], as: "a")
        var remote = try follow(address)
        let pointer = try remote.pointer()
        #expect(throws: RemoteError.store(.emptyUpload)) {
          try remote.fetch(pointer, into: store)
        }
      }
    }
  }

  @Test func `the store's limits hold for what is fetched, before its first byte is kept`() throws {
    var limits = StoreLimits()
    limits.uploadByteLimit = 1000
    try withHost { host, address in
      try withStore(limits) { store, incoming in
        try host.publish(model(1), as: "a")
        var remote = try follow(address)
        let pointer = try remote.pointer()
        let error = StoreError.uploadTooLarge(byteCount: model(1).count, limit: 1000)
        #expect(throws: RemoteError.store(error)) { try remote.fetch(pointer, into: store) }
        #expect(try incoming().isEmpty)
      }
    }
  }

  @Test func `a pointer that is too long is refused`() throws {
    try withHost { host, address in
      var limits = RemoteLimits()
      limits.pointerByteLimit = 500
      host.put("/current.json", [UInt8](repeating: UInt8(ascii: " "), count: 501))
      var remote = try follow(address, limits)
      let error = RemoteError.tooLarge(address: address + "/current.json", limit: 500)
      #expect(throws: error) { try remote.pointer() }
    }
  }

  @Test(arguments: [
    "", "null", "[]", "{}", #"{"version": "abc", "file": "a"}"#,
    #"{"version": 1, "file": "a"}"#,
    String(decoding: pointer(String(repeating: "A", count: 64), "a"), as: UTF8.self),
  ])
  func `a pointer that is none is refused`(_ text: String) throws {
    try withHost { host, address in
      host.put("/current.json", Array(text.utf8))
      var remote = try follow(address)
      let error = #expect(throws: RemoteError.self) { try remote.pointer() }
      guard case .malformedPointer(address + "/current.json", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test(arguments: [
    "", ".", "..", ".hidden", "../a", "/etc/passwd", "a/b", "a b", "a?b", "a%2fb", "ä", "a\\\\b",
    "http://elsewhere/a", String(repeating: "a", count: 256),
  ])
  func `a pointer to a file that is no plain name is refused`(_ file: String) throws {
    try withHost { host, address in
      host.put("/current.json", pointer(String(repeating: "a", count: 64), file))
      var remote = try follow(address)
      #expect(throws: RemoteError.self) { try remote.pointer() }
    }
  }

  @Test func `redirections are followed, but not for ever and not to files`() throws {
    try withHost { host, address in
      try host.publish(model(1), as: "a", in: "/elsewhere")
      host.answer(
        "/current.json",
        Response(status: 302, fields: HeaderFields([("Location", "/elsewhere/current.json")])))
      var remote = try follow(address)
      #expect(try remote.pointer().file == "a")
      for location in ["/current.json", "file:///etc/passwd", "ftp://127.0.0.1/"] {
        host.answer(
          "/current.json",
          Response(status: 302, fields: HeaderFields([("Location", location)])))
        let error = #expect(throws: RemoteError.self) { try remote.pointer() }
        guard case .misdirected(address + "/current.json", _) = error else {
          Issue.record("\(location): \(String(describing: error))")
          continue
        }
      }
    }
  }

  @Test func `a server that does not answer is given up, and so is one that is not there`() throws {
    var limits = RemoteLimits()
    limits.pointerTimeout = .milliseconds(100)
    var gone = ""
    try withHost { host, address in
      gone = address
      var remote = try follow(address + "/hold", limits)
      #expect(throws: RemoteError.self) { try remote.pointer() }
      #expect(host.requests().count == 1)
    }
    var remote = try follow(gone)
    let error = #expect(throws: RemoteError.self) { try remote.pointer() }
    guard case .transfer(gone + "/current.json", let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!reason.isEmpty)
  }
}
