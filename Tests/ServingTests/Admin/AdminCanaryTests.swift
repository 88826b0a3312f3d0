import Checkpoint
import Dispatch
import Foundation
import HTTPCore
import Inference
import ModelStore
import Serving
import Synchronization
import Testing

/// The canary, controlled over the admin endpoint.
@Suite struct AdminCanaryTests {
  /// Makes a fixture with two uploads: `new` is live, `old` was before.
  private func fixture(
    limits: StoreLimits = StoreLimits(),
    availableMemory: @escaping @Sendable () -> Int? = { nil }
  ) async throws -> AdminFixture {
    let admin = try AdminFixture(limits: limits, availableMemory: availableMemory)
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    return admin
  }

  private func canary(_ response: Response) throws -> [String: Any] {
    #expect(response.status == 200, "\(String(decoding: response.body, as: UTF8.self))")
    return try #require(try response.json()["canary"] as? [String: Any])
  }

  @Test(
    "A canary is proved, answers its share, is shown everywhere, gets another share and is ended")
  func life() async throws {
    let admin = try await fixture()
    let nothing = try await admin.ask("GET", "/admin/canary")
    #expect(String(decoding: nothing.body, as: UTF8.self) == #"{"canary":null,"last":null}"# + "\n")
    let answer = try await admin.putCanary("old", percent: 25)
    var state = try canary(answer)
    #expect(state["name"] as? String == "old" && state["percent"] as? Double == 25)
    #expect(state["digest"] as? String == "sha256:\(try admin.version("old").hex)")
    #expect(state["header"] as? Bool == true && state["max_disagreement"] as? Double == 0.5)
    let gate = try #require(try answer.json()["gate"] as? [String: Any])
    let steps = try #require(gate["steps"] as? [[String: Any]])
    #expect(
      steps.map { $0["step"] as? String }
        == ["read", "validate", "memory", "compile", "golden", "warm"])
    #expect(try admin.answers(400).count { $0 == "old" } == 100)
    #expect(admin.store.live?.version == (try admin.version("new")))

    for target in ["/admin/canary", "/admin/model"] {
      state = try canary(await admin.ask("GET", target))
      #expect(state["requests"] as? Int == 100 && state["errors"] as? Int == 0)
    }
    let listed = try await admin.ask("GET", "/admin/versions").json()["versions"]
    let versions = try #require(listed as? [[String: Any]])
    #expect(
      versions.filter { $0["canary"] as? Bool == true }.map { $0["name"] as? String } == ["old"])

    let deployment = admin.served.pool.traffic.canary?.deployment
    let changed = try await admin.putCanary(
      "old", percent: 0.5, #","header":false,"max_disagreement":null"#)
    state = try canary(changed)
    #expect(state["percent"] as? Double == 0.5 && state["requests"] as? Int == 100)
    #expect(state["header"] as? Bool == false && state["max_disagreement"] is NSNull)
    #expect(try changed.json()["gate"] == nil)
    #expect(admin.served.pool.traffic.canary?.deployment === deployment)
    #expect(try admin.answers(200).count { $0 == "old" } == 1)

    let ended = try await admin.ask("DELETE", "/admin/canary")
    #expect(ended.status == 200)
    let last = try #require(try ended.json()["last"] as? [String: Any])
    #expect(last["reason"] as? String == "request" && last["requests"] as? Int == 101)
    #expect(try await admin.ask("GET", "/admin/canary").json()["canary"] is NSNull)
    #expect(Set(try admin.answers(4)) == ["new"])
    #expect(admin.logged.contains(#""action":"canary","by":"loopback""#))
    #expect(admin.logged.contains(#""action":"end canary","by":"loopback""#))
    #expect(admin.logged.contains(#""message":"canary ended","reason":"request""#))
    #expect(!admin.logged.contains(#""action":"canary returned""#))
  }

  @Test(
    "An upload of the canary's own file changes its share alone and goes on counting, and is audited so"
  )
  func sameUpload() async throws {
    let admin = try await fixture()
    let file = try admin.file(SmallModels.model("other"))
    let begun = try await admin.ask("PUT", "/admin/model?canary=25", body: file)
    #expect(try canary(begun)["percent"] as? Double == 25)
    #expect(try begun.json()["goes_on"] as? Bool == false && begun.json()["gate"] != nil)
    #expect(try admin.answers(40).count { $0 == "other" } == 10)
    let version = try admin.version("other")
    _ = try canary(await admin.putCanary("other", percent: 25, #","max_disagreement":null"#))
    let deployment = admin.served.pool.traffic.canary?.deployment
    let again = try await admin.ask("PUT", "/admin/model?canary=50", body: file)
    let state = try canary(again)
    #expect(state["percent"] as? Double == 50 && state["requests"] as? Int == 10)
    #expect(state["max_disagreement"] is NSNull)
    #expect(try again.json()["goes_on"] as? Bool == true && again.json()["gate"] == nil)
    #expect(admin.served.pool.traffic.canary?.deployment === deployment)
    let audits = admin.logged.split(separator: "\n").filter {
      $0.contains(#""action":"canary""#) && $0.contains(version.hex)
    }
    for (audit, outcome) in zip(
      audits, ["25 percent", "25 percent, it goes on", "50 percent, it goes on"])
    {
      #expect(audit.contains(#""outcome":"\#(outcome)""#))
    }
    #expect(audits.count == 3)
  }

  @Test(
    "What cannot be meant is refused and says why",
    arguments: [
      ("", 400, "malformed-body"), (String(repeating: "[", count: 4096), 400, "malformed-body"),
      (#"{"version":"VERSION","percent":5}}"#, 400, "malformed-body"), ("{", 400, "malformed-body"),
      ("[]", 400, "malformed-body"),
      (#"{"version":1,"percent":5}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":"5"}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":[5]}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":5,"header":null}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":1e999}"#, 400, "malformed-body"),
      (#"{"percent":5}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION"}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":100.5}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":-1}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":0.001}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":5,"max_disagreement":2}"#, 400, "invalid-parameter"),
      (#"{"version":"VERSION","percent":5,"max-disagreement":0.1}"#, 400, "invalid-parameter"),
      (#"{"version":"xyz","percent":5}"#, 400, "malformed-version"),
      (#"{"version":"0123456789abcdef","percent":5}"#, 404, "unknown-version"),
      (#"{"version":"LIVE","percent":5}"#, 409, "already-live"),
    ])
  func refusals(body: String, status: Int, kind: String) async throws {
    let admin = try await fixture()
    let text = body.replacing("VERSION", with: try admin.version("old").hex)
      .replacing("LIVE", with: try admin.version("new").short)
    let answer = try await admin.ask("PUT", "/admin/canary", body: Array(text.utf8))
    #expect(answer.status == status)
    #expect(try answer.problemKind() == kind)
    #expect(admin.served.pool.traffic.canary == nil)
  }

  @Test(
    "A member that is unknown or has a wrong value is named with what is allowed",
    arguments: [
      (#""percent":5,"max-disagreement":0.1"#, "(did you mean max_disagreement?)"),
      (
        #""share":5"#,
        #""share" is an unknown member (did you mean percent?); a canary has version, "#
      ),
      (#""percent":100.5"#, "from 0 to 100 with at most two decimal places, not 100.5"),
      (#""percent":"5""#, #"not the string "5""#), (#""percent":[]"#, "not a list"),
      (#""header":true"#, "percent is a number from 0 to 100"),
      (#""percent":5,"header":1"#, "not 1"),
      (#""percent":5,"max_disagreement":{}"#, "from 0 to 1, or null, not an object"),
    ])
  func values(members: String, words: String) async throws {
    let admin = try await fixture()
    let body = #"{"version":"\#(try admin.version("old").hex)",\#(members)}"#
    let answer = try await admin.ask("PUT", "/admin/canary", body: Array(body.utf8))
    #expect(answer.status == 400)
    let detail = try #require(try answer.json()["detail"] as? String)
    #expect(detail.contains(words), "\(detail)")
  }

  @Test("A member that is there twice is named", arguments: ["percent", "max_disagreement"])
  func duplicates(name: String) async throws {
    let admin = try await fixture()
    let body =
      #"{"version":"\#(try admin.version("old").hex)","percent":5,"max_disagreement":null,"\#(name)":1}"#
    let answer = try await admin.ask("PUT", "/admin/canary", body: Array(body.utf8))
    #expect(answer.status == 400)
    #expect(try answer.problemKind() == "malformed-body")
    let detail = try #require(try answer.json()["detail"] as? String)
    #expect(detail.contains(#"duplicate object key near '"\#(name)"'"#), "\(detail)")
    #expect(admin.served.pool.traffic.canary == nil)
  }

  @Test("Where none runs there is nothing to end")
  func nothingToEnd() async throws {
    let answer = try await fixture().ask("DELETE", "/admin/canary")
    #expect(answer.status == 404)
    #expect(try answer.problemKind() == "no-canary")
  }

  @Test("A candidate that does not pass the gate is no canary, and the one that runs goes on")
  func gate() async throws {
    let available = Mutex<Int?>(nil)
    let admin = try await fixture { available.withLock(\.self) }
    #expect(try await admin.putCanary("start", percent: 50).status == 200)
    available.withLock { $0 = 1234 }
    let full = try await admin.putCanary("old", percent: 5)
    #expect(full.status == 507)
    #expect(try full.problemKind() == "insufficient-memory")
    #expect(try full.json()["step"] as? String == "memory")
    available.withLock { $0 = nil }
    let path = try #require(admin.store.path(of: try admin.version("old")))
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    bytes[bytes.count - 4] ^= 1
    for damage in [bytes, Array("no model".utf8)] {
      try Data(damage).write(to: URL(fileURLWithPath: path))
      let damaged = try await admin.putCanary("old", percent: 5)
      #expect(damaged.status == 409)
      #expect(try damaged.problemKind() == "version-damaged")
    }
    #expect(admin.served.pool.traffic.canary?.deployment.model.name == "start")
    #expect(try admin.answers(4) == ["new", "start", "new", "start"])
  }

  @Test("Activating the canary makes it live as it stands, and a rollback leads back")
  func promotion() async throws {
    let admin = try await fixture()
    #expect(try await admin.putCanary("old", percent: 50).status == 200)
    let deployment = try #require(admin.served.pool.traffic.canary?.deployment)
    let old = try admin.version("old")
    let answer = try await admin.ask("POST", "/admin/versions/\(old.short)/activate")
    let document = try answer.json()
    let steps = try #require(document["steps"] as? [[String: Any]])
    #expect(steps.map { $0["step"] as? String } == ["record", "swap"])
    let ended = try #require(document["ended_canary"] as? [String: Any])
    #expect(ended["reason"] as? String == "promoted")
    #expect(admin.served.pool.live === deployment)
    #expect(admin.served.pool.traffic.canary == nil)
    #expect(admin.store.live?.version == old)
    #expect(admin.store.live?.previous == (try admin.version("new")))
    #expect(try admin.answers(4) == ["old", "old", "old", "old"])
    // The other way: the rollback's target is the canary.
    #expect(try await admin.putCanary("new", percent: 50).status == 200)
    let rollback = try await admin.ask("POST", "/admin/rollback").json()["ended_canary"]
    #expect((rollback as? [String: Any])?["reason"] as? String == "promoted")
    #expect(try admin.answers(2) == ["new", "new"])
  }

  @Test("A canary whose file has suffered on the disk does not become live, and goes on")
  func damagedPromotion() async throws {
    let admin = try await fixture()
    #expect(try await admin.putCanary("old", percent: 50).status == 200)
    let old = try admin.version("old")
    let path = try #require(admin.store.path(of: old))
    try Data("no model".utf8).write(to: URL(fileURLWithPath: path))
    let answer = try await admin.ask("POST", "/admin/versions/\(old.hex)/activate")
    #expect(answer.status == 409)
    #expect(try answer.problemKind() == "version-damaged")
    #expect(try admin.answers(4) == ["new", "old", "new", "old"])
  }

  @Test("Another model's becoming live ends the canary and says so; a dry run does not")
  func swap() async throws {
    let admin = try await fixture()
    #expect(try await admin.putCanary("old", percent: 50).status == 200)
    let former = WeakDeployment(try #require(admin.served.pool.traffic.canary?.deployment))
    let file = try admin.file("newer")
    #expect(try await admin.ask("PUT", "/admin/model?dry_run=true", body: file).status == 200)
    #expect(admin.served.pool.traffic.canary != nil)
    let answer = try await admin.ask("PUT", "/admin/model", body: file)
    let ended = try #require(try answer.json()["ended_canary"] as? [String: Any])
    #expect(ended["reason"] as? String == "swap")
    #expect(ended["version"] as? String == (try admin.version("old").short))
    #expect(try admin.answers(4) == ["newer", "newer", "newer", "newer"])
    let last = try await admin.ask("GET", "/admin/canary").json()["last"] as? [String: Any]
    #expect(last?["reason"] as? String == "swap")
    #expect(eventually { former.value == nil })
  }

  @Test("Another version takes the canary's place")
  func replacement() async throws {
    let admin = try await fixture()
    #expect(try await admin.putCanary("old", percent: 50).status == 200)
    #expect(try await admin.putCanary("start", percent: 50).status == 200)
    #expect(try admin.answers(4) == ["new", "start", "new", "start"])
    let last = try await admin.ask("GET", "/admin/canary").json()["last"] as? [String: Any]
    #expect(last?["reason"] as? String == "replaced" && last?["name"] as? String == "old")
  }

  @Test("A version stays in the store while it is the canary, and no longer")
  func pinned() async throws {
    var limits = StoreLimits()
    limits.versionCountLimit = 4
    let admin = try await fixture(limits: limits)
    #expect(try await admin.putCanary("start", percent: 1).status == 200)
    let start = try admin.version("start")
    // Dry runs end no canary and keep nothing: the store is filled without the endpoint.
    for mark in ["x", "y", "z"] { try admin.keep(SmallModels.model(mark)) }
    #expect(admin.store.path(of: start) != nil)
    #expect(try await admin.ask("DELETE", "/admin/canary").status == 200)
    try admin.keep(SmallModels.model("w"))
    #expect(admin.store.path(of: start) == nil)
  }

  @Test("While a swap is in progress no canary begins, but one can be ended")
  func busy() async throws {
    let (begun, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let isHeld = Mutex(false)
    let admin = try await fixture {
      if isHeld.withLock(\.self) {
        begun.signal()
        goOn.wait()
      }
      return nil
    }
    #expect(try await admin.putCanary("start", percent: 50).status == 200)
    isHeld.withLock { $0 = true }
    let file = try admin.file("newer")
    async let swap = admin.ask("PUT", "/admin/model", body: file)
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        begun.wait()
        continuation.resume()
      }
    }
    let refused = try await admin.putCanary("old", percent: 5)
    #expect(refused.status == 409)
    #expect(try refused.problemKind() == "swap-in-progress")
    #expect(try await admin.ask("DELETE", "/admin/canary").status == 200)
    goOn.signal()
    #expect(try await swap.json()["ended_canary"] is NSNull)
  }

  @Test(
    "A canary that returns by itself leaves an audit line, is shown as the last, and frees its file"
  )
  func automaticReturn() async throws {
    let admin = try await fixture()
    let (model, trigger) = try SmallModels.overflowing("new", name: "overflowing")
    try admin.keep(model)
    #expect(try await admin.putCanary("overflowing", percent: 100).status == 200)
    let former = WeakDeployment(try #require(admin.served.pool.traffic.canary?.deployment))
    let version = try admin.version("overflowing")
    #expect(admin.store.versions().first { $0.version == version }?.isPinned == true)
    // The live model answers, because the canary has failed.
    let response = try admin.served.wait(for: "/classify", body: trigger)
    #expect(response.status == 200)
    #expect(String(decoding: response.body, as: UTF8.self).contains(#""name":"new""#))
    let state = try await admin.ask("GET", "/admin/canary").json()
    #expect(state["canary"] is NSNull)
    let last = try #require(state["last"] as? [String: Any])
    #expect(last["reason"] as? String == "not_finite" && last["errors"] as? Int == 1)
    #expect(last["name"] as? String == "overflowing" && last["compared"] as? Bool == true)
    let audit = try #require(admin.logged.split(separator: "\n").last { $0.contains("audit") })
    #expect(audit.contains(#""action":"canary returned","by":"server""#))
    #expect(audit.contains(#""digest":"\#(version.hex)","outcome":"not_finite""#))
    #expect(admin.store.versions().first { $0.version == version }?.isPinned == false)
    #expect(eventually { former.value == nil })
    // The version may be tried again.
    #expect(try await admin.putCanary("overflowing", percent: 1).status == 200)
  }
}
