import Checkpoint
import Foundation
import HTTPCore
import Inference
import ModelStore
import Serving
import Testing

/// Conditional changes, answers to clients that have seen a model, removal of versions, and changed
/// labels.
@Suite struct AdminPreconditionTests {
  private func tag(_ admin: AdminFixture) -> String {
    #""\#(admin.served.pool.live.model.version.hex)""#
  }

  @Test("What is live has its digest for a tag, and whoever knows it is not sent it again")
  func tags() async throws {
    let admin = try AdminFixture()
    let first = try await admin.ask("GET", "/admin/model")
    #expect(first.status == 200 && first.fields["ETag"] == tag(admin))
    for known in [tag(admin), "W/\(tag(admin))", "*", #""a,b" , \#(tag(admin))"#] {
      let again = try await admin.ask(
        "GET", "/admin/model", [("Host", "localhost"), ("If-None-Match", known)])
      #expect(again.status == 304 && again.body.isEmpty, "\(known)")
      #expect(again.fields["ETag"] == tag(admin))
    }
    for other in [#""x""#, #"W/"x", "y""#] {
      let answer = try await admin.ask(
        "GET", "/admin/model", [("Host", "localhost"), ("If-None-Match", other)])
      #expect(answer.status == 200)
    }
    let seen = tag(admin)
    try await admin.upload(SmallModels.model("next"))
    let changed = try await admin.ask(
      "GET", "/admin/model", [("Host", "localhost"), ("If-None-Match", seen)])
    #expect(changed.status == 200 && changed.fields["ETag"] == tag(admin))
  }

  @Test("A change is made only where what is live is what it asks for")
  func matches() async throws {
    let admin = try AdminFixture()
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    let old = try admin.version("old").hex
    let requests = [
      ("PUT", "/admin/model"), ("POST", "/admin/rollback"),
      ("POST", "/admin/versions/\(old)/activate"),
    ]
    for (method, target) in requests {
      let body = method == "PUT" ? try admin.file("third") : []
      for wrong in [#""\#(old)""#, "W/\(tag(admin))", #""x", "y""#] {
        let answer = try await admin.ask(
          method, target, [("Host", "localhost"), ("If-Match", wrong)], body: body)
        #expect(answer.status == 412, "\(method) \(target) \(wrong)")
        #expect(try answer.problemKind() == "precondition-failed")
      }
      for malformed in ["x", "", #""x"#, #""x" "y""#, #""x","#] {
        let answer = try await admin.ask(
          method, target, [("Host", "localhost"), ("If-Match", malformed)], body: body)
        #expect(answer.status == 400, "\(malformed)")
        #expect(try answer.problemKind() == "malformed-precondition")
      }
    }
    #expect(admin.served.pool.live.model.labels[0] == "new0")
    #expect(try admin.incoming.isEmpty)
    for (method, target) in requests {
      let body = method == "PUT" ? try admin.file("third") : []
      let wanted = target.hasSuffix("activate") ? "*" : #""x", \#(tag(admin))"#
      let answer = try await admin.ask(
        method, target, [("Host", "localhost"), ("If-Match", wanted)], body: body)
      #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    }
  }

  @Test("What is live is shown only where it is what is asked for, and that is looked at first")
  func matchedLook() async throws {
    let admin = try AdminFixture()
    let tag = tag(admin)
    for (fields, status) in [
      ([("If-Match", tag)], 200), ([("If-Match", "*")], 200), ([("If-Match", #""x""#)], 412),
      // The comparison is the strong one.
      ([("If-Match", "W/\(tag)")], 412),
      ([("If-Match", #""x""#), ("If-None-Match", tag)], 412),
      ([("If-Match", tag), ("If-None-Match", tag)], 304), ([("If-Match", "x")], 400),
    ] {
      for method in ["GET", "HEAD"] {
        let answer = try await admin.ask(
          method, "/admin/model", [("Host", "localhost")] + fields)
        #expect(answer.status == status, "\(method) \(fields)")
      }
    }
  }

  @Test("A change that must not replace what is live is not made while that is live")
  func unmatched() async throws {
    let admin = try AdminFixture()
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    let (old, new) = (try admin.version("old").hex, tag(admin))
    let body = Array(#"{"version":"\#(old)","percent":5}"#.utf8)
    for unwanted in ["*", new, "W/\(new)", #""x", \#(new)"#] {
      for (method, target, body) in [
        ("PUT", "/admin/model", try admin.file("third")), ("POST", "/admin/rollback", []),
        ("POST", "/admin/versions/\(old)/activate", []), ("PUT", "/admin/canary", body),
      ] {
        let answer = try await admin.ask(
          method, target, [("Host", "localhost"), ("If-None-Match", unwanted)], body: body)
        #expect(answer.status == 412, "\(method) \(target) \(unwanted)")
        #expect(try answer.problemKind() == "precondition-failed")
      }
    }
    #expect(admin.served.pool.live.model.labels[0] == "new0")
    #expect(try admin.incoming.isEmpty && admin.served.pool.traffic.canary == nil)
    #expect(try await admin.putCanary("old", percent: 5).status == 200)
    for (name, value) in [("If-Match", #""x""#), ("If-None-Match", "*")] {
      for target in ["/admin/canary", "/admin/swap", "/admin/versions/\(old)"] {
        let answer = try await admin.ask(
          "DELETE", target, [("Host", "localhost"), (name, value)])
        #expect(answer.status == 412, "\(target) \(name)")
      }
    }
    #expect(admin.served.pool.traffic.canary != nil)
    #expect(
      try await admin.ask(
        "DELETE", "/admin/canary", [("Host", "localhost"), ("If-Match", new)]
      ).status == 200)
    let answer = try await admin.ask(
      "PUT", "/admin/model", [("Host", "localhost"), ("If-None-Match", #""\#(old)""#)],
      body: try admin.file("third"))
    #expect(answer.status == 200)
  }

  @Test("A version that nothing uses is removed, and one in use is not")
  func removal() async throws {
    let admin = try AdminFixture()
    for mark in ["one", "two", "three"] { try await admin.upload(SmallModels.model(mark)) }
    #expect(try await admin.putCanary("one", percent: 5).status == 200)
    for name in ["one", "two", "three"] {
      let answer = try await admin.ask(
        "DELETE", "/admin/versions/\(try admin.version(name).hex)")
      #expect(answer.status == 409)
      #expect(try answer.problemKind() == "version-in-use")
    }
    #expect(try await admin.ask("DELETE", "/admin/canary").status == 200)
    let one = try admin.version("one")
    let removed = try await admin.ask("DELETE", "/admin/versions/\(one.short)")
    #expect(removed.status == 200)
    let member = try #require(try removed.json()["removed"] as? [String: Any])
    #expect(member["digest"] as? String == "sha256:\(one.hex)")
    #expect(admin.store.path(of: one) == nil && admin.store.versions().count == 3)
    #expect(admin.logged.contains(#""action":"delete version","by":"loopback""#))
    #expect(admin.logged.contains(#""digest":"\#(one.hex)","outcome":"removed""#))
    for (target, status) in [
      (one.hex, 404), ("xyz", 400), ("\(one.hex)?force=true", 400), ("\(one.hex)/x", 404),
      ("", 404),
    ] {
      let answer = try await admin.ask("DELETE", "/admin/versions/\(target)")
      #expect(answer.status == status, "\(target)")
    }
    #expect(try await admin.ask("GET", "/admin/versions/\(one.hex)").status == 405)
  }

  @Test("The first model is kept from the start: it is listed and can be activated as it is shown")
  func first() async throws {
    let admin = try AdminFixture()
    admin.changes.keepFirst()
    let shown = try await admin.ask("GET", "/admin/model").json()
    #expect(shown["kept"] as? Bool == true && shown["recorded"] as? Bool == true)
    let version = try #require(shown["version"] as? String)
    let listed = try #require(
      try await admin.ask("GET", "/admin/versions").json()["versions"] as? [[String: Any]])
    #expect(listed.count == 1 && listed[0]["version"] as? String == version)
    #expect(listed[0]["state"] as? String == "live")
    #expect(admin.store.live?.isChosen == false)
    let removal = try await admin.ask("DELETE", "/admin/versions/\(version)")
    #expect(try removal.problemKind() == "version-in-use")
    // A version that somebody chose stays live over a restart.
    #expect(try await admin.ask("POST", "/admin/versions/\(version)/activate").status == 200)
    #expect(admin.store.live?.isChosen == true)
    admin.changes.keepFirst()
    #expect(admin.store.live?.isChosen == true && admin.store.versions().count == 1)
  }

  @Test("A swap that changes the labels says so, with how many, and so does a dry run")
  func labels() async throws {
    let admin = try AdminFixture()
    var answer = try await admin.ask(
      "PUT", "/admin/model?dry_run=true", body: admin.file(SmallModels.model("x", classCount: 7)))
    #expect(try answer.json()["labels_changed"] as? Bool == true)
    #expect(try answer.json()["recorded"] as? Bool == false)
    answer = try await admin.ask(
      "PUT", "/admin/model", body: admin.file(SmallModels.model("x", classCount: 12)))
    let counts = try #require(try answer.json()["label_counts"] as? [String: Int])
    #expect(counts == ["former": 10, "now": 12, "differing": 12])
    #expect(admin.logged.contains("the labels differ from those of the model before"))
    answer = try await admin.ask(
      "PUT", "/admin/model",
      body: admin.file(SmallModels.model("x", name: "y", classCount: 12, scale: -1)))
    #expect(try answer.json()["labels_changed"] as? Bool == false)
    #expect(try answer.json()["label_counts"] is NSNull)
    #expect(try answer.json()["recorded"] as? Bool == true)
  }
}
