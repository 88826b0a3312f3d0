import Checkpoint
import Dispatch
import Files
import Foundation
import HTTPCore
import HTTPServer
import Imaging
import Inference
import ModelStore
import Serving
import Testing

/// Uploads, activation and rollback.
@Suite struct AdminChangeTests {
  private func liveLabel(_ admin: AdminFixture) -> String {
    admin.served.pool.live.model.labels[0]
  }

  @Test("A rollback after the first upload brings back what the server began with")
  func firstRollback() async throws {
    let admin = try AdminFixture()
    let start = admin.served.pool.live.model.version
    #expect(try await admin.ask("POST", "/admin/rollback").status == 409)
    #expect(try await admin.ask("PUT", "/admin/model", body: admin.file("next")).status == 200)
    #expect(liveLabel(admin) == "next0")
    #expect(admin.store.live?.previous == start)
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "start0")
    #expect(admin.store.live?.version == start)
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "next0")
  }

  @Test(
    "A change that has no parameters is not made where some are given",
    arguments: [
      ("POST", "/admin/rollback?dry_run=true"), ("POST", "/admin/versions/VERSION/activate?x"),
      ("PUT", "/admin/canary?percent=5"), ("DELETE", "/admin/canary?version=VERSION"),
    ])
  func strangeParameters(method: String, target: String) async throws {
    let admin = try AdminFixture()
    try await admin.upload(SmallModels.model("next"))
    let former = try #require(admin.store.live?.previous)
    let answer = try await admin.ask(
      method, target.replacing("VERSION", with: former.short),
      body: method == "PUT" ? Array(#"{"version":"\#(former.short)","percent":5}"#.utf8) : [])
    #expect(answer.status == 400)
    #expect(try answer.problemKind() == "invalid-parameter")
    #expect(liveLabel(admin) == "next0" && admin.served.pool.traffic.canary == nil)
  }

  @Test(
    "An unknown parameter is named as that, with those that there are",
    arguments: [
      (
        "PUT", "/admin/model?bogus=1",
        #""bogus" is an unknown parameter; PUT /admin/model takes dry_run, inherit, weights, arch and canary"#
      ),
      ("PUT", "/admin/model?dryrun=true", "(did you mean dry_run?)"),
      ("PUT", "/admin/model?dry_run=1", #"dry_run is true or false, not "1""#),
      ("PUT", "/admin/model?inherit", "inherit is true or false, not nothing"),
      ("PUT", "/admin/model?inherit=true&inherit=true", "inherit is given twice"),
      ("GET", "/admin/model?dry_run=true", "GET /admin/model takes no parameters"),
      (
        "GET", "/admin/versions?state=live",
        #""state" is an unknown parameter; GET /admin/versions takes no parameters"#
      ),
      ("GET", "/admin/canary?x", #""x" is an unknown parameter"#),
      ("DELETE", "/admin/swap?force=true", #""force" is an unknown parameter"#),
    ])
  func unknownParameters(method: String, target: String, message: String) async throws {
    let admin = try AdminFixture()
    let answer = try await admin.ask(method, target, body: method == "PUT" ? [1] : [])
    #expect(answer.status == 400)
    #expect(try answer.problemKind() == "invalid-parameter")
    let detail = try #require(try answer.json()["detail"] as? String)
    #expect(detail.contains(message), "\(detail)")
  }

  @Test("A first model whose file has changed is not taken for what was live")
  func changedFirst() async throws {
    let admin = try AdminFixture()
    try Data(admin.file("other")).write(to: admin.startFile)
    #expect(try await admin.ask("PUT", "/admin/model", body: admin.file("next")).status == 200)
    #expect(liveLabel(admin) == "next0")
    #expect(admin.logged.contains("no rollback will bring it back"))
    #expect(try await admin.ask("POST", "/admin/rollback").status == 409)
    #expect(admin.store.versions().count == 1)
    #expect(try admin.incoming.isEmpty)
  }

  @Test("A version whose bytes have suffered on the disk does not become live")
  func damaged() async throws {
    let admin = try AdminFixture()
    for mark in ["one", "two"] {
      #expect(try await admin.ask("PUT", "/admin/model", body: admin.file(mark)).status == 200)
    }
    let one = try #require(admin.store.versions().first { $0.name == "one" }?.version)
    let path = try #require(admin.store.path(of: one))
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    // The lowest bit of a weight: the file stays readable, its answers nearly right.
    bytes[bytes.count - 4] ^= 1
    for damaged in [bytes, Array("no model".utf8), [], nil] {
      if let damaged {
        try Data(damaged).write(to: URL(fileURLWithPath: path))
      } else {
        try FileManager.default.removeItem(atPath: path)
      }
      for target in ["/admin/versions/\(one.hex)/activate", "/admin/rollback"] {
        let answer = try await admin.ask("POST", target)
        #expect(answer.status == 409)
        #expect(try answer.problemKind() == "version-damaged")
      }
    }
    #expect(admin.logged.contains(#""outcome":"version-damaged: "#))
    #expect(admin.logged.contains(#""kind":"state_folder""#))
    #expect(!admin.logged.contains(#""kind":"internal""#), "\(admin.logged)")
    #expect(liveLabel(admin) == "two0")
    #expect(admin.store.live?.version == admin.served.pool.live.model.version)
  }

  @Test("A refused file is named in the audit by its digest, and the answer has the step")
  func refusal() async throws {
    let admin = try AdminFixture()
    let file = try admin.file("whole")
    for body in [Array(file.dropLast()), Array("no model".utf8), [0x80, 0x02]] {
      let answer = try await admin.ask("PUT", "/admin/model", body: body)
      #expect(answer.status == 422)
      #expect(try answer.problemKind() == "model-refused")
      #expect(try answer.json()["step"] as? String == "validate")
    }
    let audit = try #require(admin.logged.split(separator: "\n").last { $0.contains("audit") })
    #expect(audit.contains(/"digest":"[0-9a-f]{64}","outcome":"model-refused/))
    #expect(liveLabel(admin) == "start0")
    #expect(admin.store.versions().isEmpty)
    #expect(try admin.incoming.isEmpty)
  }

  /// The second file leaves the size of images open.
  @Test(
    "An ONNX network without labels gets the live model's, and is kept as the whole it then is",
    arguments: ["basic-13", "view-11"])
  func inheritingNetwork(_ name: String) async throws {
    let admin = try AdminFixture()
    let network = Array(
      try Data(
        contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
          .deletingLastPathComponent()
          .deletingLastPathComponent()
          .appendingPathComponent("CheckpointTests/Fixtures/\(name).onnx")))
    let mismatch = try await admin.ask("PUT", "/admin/model?inherit=true", body: network)
    #expect(mismatch.status == 422)
    #expect(liveLabel(admin) == "start0")

    let five = admin.folder.appendingPathComponent("five.safetensors")
    try SmallModels.model("five", classCount: 5).write(to: five.path)
    let whole = Array(try Data(contentsOf: five))
    #expect(try await admin.ask("PUT", "/admin/model", body: whole).status == 200)
    #expect(try await admin.ask("PUT", "/admin/model", body: network).status == 422)
    let taken = try await admin.ask("PUT", "/admin/model?inherit=true", body: network)
    #expect(taken.status == 200)
    let live = admin.served.pool.live.model
    #expect(live.labels == (0..<5).map { "five\($0)" })
    #expect(admin.store.live?.version == live.version)
    let path = try #require(admin.store.path(of: live.version))
    let kept = try Model.load(path: path)
    #expect(kept.graph == live.graph && kept.architecture == nil)
    // The network does not have a name of its own.
    var digest = try SHA256()
    unsafe digest.update(network.span.bytes)
    let version = ModelVersion(digest: digest.finish())
    #expect(kept.labels == live.labels && kept.name == version.short)
    #expect(kept.preprocessing == live.preprocessing)
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "five0" && admin.served.pool.live.model.version != live.version)
    #expect(try admin.incoming.isEmpty)
  }

  @Test("While one swap is in progress another is refused, and changes nothing")
  func oneAtATime() async throws {
    let (begun, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let admin = try AdminFixture {
      begun.signal()
      goOn.wait()
      return nil
    }
    let (first, second) = (try admin.file("first"), try admin.file("second"))
    async let answer = admin.ask("PUT", "/admin/model", body: first)
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        begun.wait()
        continuation.resume()
      }
    }
    let refused = try await admin.ask("PUT", "/admin/model", body: second)
    #expect(refused.status == 409)
    #expect(try refused.problemKind() == "swap-in-progress")
    #expect(refused.fields["Retry-After"] == "1")
    goOn.signal()
    #expect(try await answer.status == 200)
    #expect(liveLabel(admin) == "first0")
    #expect(try admin.incoming.isEmpty)
  }

  @Test("What the store has no room for is refused before and after its bytes have come")
  func noRoom() async throws {
    var limits = StoreLimits()
    limits.uploadByteLimit = 1000
    let admin = try AdminFixture(limits: limits)
    let announced = [("Host", "localhost"), ("Content-Length", "1001")]
    guard
      case .answer(let early) = admin.service.receive(
        try Request("PUT", "/admin/model", announced).head)
    else {
      Issue.record("the body is wanted")
      return
    }
    #expect(early.status == 413)
    let late = try await admin.ask("PUT", "/admin/model", body: Array(repeating: 1, count: 1000))
    #expect(late.status == 422)
    #expect(try admin.incoming.isEmpty)
    limits.uploadByteLimit = 1 << 30
    limits.totalByteLimit = 10
    let full = try AdminFixture(limits: limits)
    let answer = try await full.ask("PUT", "/admin/model", body: full.file("large"))
    #expect(answer.status == 507)
    #expect(try answer.problemKind() == "store-full")
    #expect(liveLabel(full) == "start0")
    #expect(full.store.live == nil)
    #expect(try full.incoming.isEmpty)
  }

  @Test(
    "A digest is that of the body, in the form of the RFC; other algorithms say nothing",
    arguments: [
      ("sha-256=:RIGHT:", 200), ("sha-512=:AAAA:, sha-256=:RIGHT:", 200),
      ("sha-256=:RIGHT:;x=1", 200), ("sha-512=:AAAA:", 200), ("md5=:AAAA:", 200),
      ("sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", 400), ("sha-256=RIGHT", 400),
      ("sha-256=:RIGHT", 400), ("sha-256=::", 400), ("sha-256=:AAAA:", 400), ("sha-256", 400),
      ("sha-256=:RIGHT:, sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", 400),
    ])
  func digests(field: String, status: Int) async throws {
    let admin = try AdminFixture()
    let body = try admin.file("next")
    let version = try Model.load(bytes: body, fileName: "next").version
    let right = Data(hexadecimal: version.hex).base64EncodedString()
    let fields = [
      ("Host", "localhost"), ("Content-Digest", field.replacing("RIGHT", with: right)),
    ]
    #expect(try await admin.ask("PUT", "/admin/model", fields, body: body).status == status)
    #expect(liveLabel(admin) == (status == 200 ? "next0" : "start0"))
    #expect(try admin.incoming.isEmpty)
  }
}

extension Data {
  fileprivate init(hexadecimal text: String) {
    let digits = text.compactMap(\.hexDigitValue)
    self.init(
      stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) })
  }
}
