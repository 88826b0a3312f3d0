import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import Inference
import ModelStore
import Serving
import Synchronization
import Testing

/// The line that every request for a change leaves in the log, whatever becomes of it.
@Suite struct AuditTests {
  private static let fields = [("Host", "localhost"), ("X-Request-Id", "the-request")]

  private func lines(_ admin: AdminFixture) -> [Substring] {
    admin.logged.split(separator: "\n").filter {
      $0.contains(#""message":"audit""#) && $0.contains(#""id":"the-request""#)
    }
  }

  /// Decides about the request at its head, as a connection does.
  private func decide(
    _ admin: AdminFixture, _ method: String, _ target: String, _ more: [(String, String)] = []
  ) throws -> Reception {
    admin.service.receive(
      try Request(method, target, Self.fields + more).head, from: "192.0.2.1:5")
  }

  @Test(
    "A change that is refused at its head leaves a line with who, what and why",
    arguments: [
      ("PUT", "/admin/model?dryrun=true", ("X", "x"), "upload", "invalid-parameter: "),
      ("PUT", "/admin/model?dry_run=true", ("If-Match", "x"), "dry run", "malformed-prec"),
      ("PUT", "/admin/model", ("If-Match", #""a""#), "upload", "precondition-failed: "),
      ("PUT", "/admin/model", ("Content-Length", "0"), "upload", "malformed-upload: "),
      ("PUT", "/admin/model", ("Content-Length", "9999"), "upload", "upload-too-large: "),
      ("PUT", "/admin/model", ("Content-Encoding", "gzip"), "upload", "unsupported-encoding: "),
      ("POST", "/admin/teach?name=a%20b", ("X", "x"), "teach", "invalid-parameter: name"),
      ("POST", "/admin/examples?lable=a", ("X", "x"), "examples", "invalid-parameter: "),
      ("DELETE", "/admin/examples", ("X", "x"), "delete examples", "invalid-parameter: "),
    ])
  func refused(
    method: String, target: String, field: (String, String), action: String, outcome: String
  ) throws {
    var limits = StoreLimits()
    limits.uploadByteLimit = 1000
    let admin = try AdminFixture(limits: limits)
    guard case .answer = try decide(admin, method, target, [field]) else {
      Issue.record("it was not refused")
      return
    }
    let lines = lines(admin)
    #expect(lines.count == 1, "\(admin.logged)")
    let line = try #require(lines.first)
    #expect(line.contains(#""action":"\#(action)","by":"loopback","remote":"192.0.2.1:5""#))
    #expect(line.contains(#""outcome":"\#(outcome)"#), "\(line)")
  }

  /// Returns the answer if the connection refuses the body; nothing is left of the request then.
  private func refusal(
    _ admin: AdminFixture, _ method: String, _ target: String, _ failure: ParseFailure
  ) throws -> Response? {
    switch try decide(admin, method, target) {
    case .answer: return nil
    case .accept(_, _, _, let handling), .stream(_, _, let handling):
      return handling.refuse?(failure)
    }
  }

  @Test("A body that the connection refuses leaves its reason, once, under the answer's id")
  func refusedBody() throws {
    let admin = try AdminFixture()
    let failure = ParseFailure(status: 413, kind: ProblemKind("body-too-large"), detail: "long")
    for (method, target) in [
      ("PUT", "/admin/model"), ("PUT", "/admin/canary"), ("POST", "/admin/examples?label=a"),
    ] {
      let before = lines(admin).count
      let answer = try refusal(admin, method, target, failure)
      #expect(answer?.status == 413 && answer?.fields["X-Request-Id"] == "the-request")
      let lines = lines(admin)
      #expect(lines.count == before + 1, "\(target)")
      #expect(lines.last?.contains(#""outcome":"body-too-large: long""#) == true)
    }
  }

  @Test("A request whose client goes before it is whole leaves a line")
  func cutOff() throws {
    let admin = try AdminFixture()
    for (method, target) in [
      ("PUT", "/admin/model"), ("POST", "/admin/rollback"), ("POST", "/admin/examples?label=a"),
    ] {
      let before = lines(admin).count
      _ = try decide(admin, method, target)
      let lines = lines(admin)
      #expect(lines.count == before + 1, "\(target)")
      #expect(lines.last?.contains(#""outcome":"not taken: "#) == true)
    }
  }

  @Test("What is answered leaves one line, and a question none")
  func once() async throws {
    let admin = try AdminFixture()
    let body = try admin.file("next")
    for (method, target, status, count) in [
      ("PUT", "/admin/model", 200, 1), ("POST", "/admin/rollback", 200, 1),
      ("POST", "/admin/versions/xy/activate", 400, 1), ("DELETE", "/admin/canary", 404, 1),
      ("GET", "/admin/model", 200, 0), ("GET", "/admin/examples", 200, 0),
      ("POST", "/admin/model", 405, 0),
    ] {
      let before = lines(admin).count
      let answer = try await admin.ask(
        method, target, Self.fields, body: method == "PUT" ? body : [])
      #expect(answer.status == status, "\(target)")
      #expect(lines(admin).count == before + count, "\(method) \(target)")
    }
  }

  @Test("A state folder that cannot be written is told, in the answer and in the log")
  func unwritable() async throws {
    let isBroken = Mutex(false)
    let admin = try AdminFixture(disk: { step in
      isBroken.withLock(\.self) && step == .create ? EROFS : 0
    })
    isBroken.withLock { $0 = true }
    let answer = try await admin.ask("PUT", "/admin/model", Self.fields, body: admin.file("next"))
    #expect(answer.status == 507)
    #expect(try answer.problemKind() == "store-failed")
    let detail = try #require(try answer.json()["detail"] as? String)
    #expect(detail.contains("cannot create") && detail.contains("Read-only file system"))
    #expect(lines(admin).last?.contains("Read-only file system") == true)
    let path = admin.folder.appendingPathComponent("state").path
    #expect(admin.logged.contains(#""message":"model store","error":"cannot create \#(path)"#))
  }
}
