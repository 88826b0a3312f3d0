import Checkpoint
import Dispatch
import Foundation
import HTTPCore
import HTTPServer
import Inference
import ModelStore
import Serving
import Synchronization
import Testing

/// Orders of administrators during a proof.
@Suite struct AdminOrderTests {
  /// Holds a candidate that is being proved, once it is told to, until it is released.
  private final class Gate: Sendable {
    private let isArmed = Atomic(false)
    private let arrived = DispatchSemaphore(value: 0)
    private let opened = DispatchSemaphore(value: 0)

    /// Action to run while a candidate is checked.
    var memory: @Sendable () -> Int? {
      { [self] in
        if isArmed.exchange(false, ordering: .acquiringAndReleasing) {
          arrived.signal()
          opened.wait()
        }
        return nil
      }
    }

    /// Makes the next candidate stay at its request for memory.
    func arm() { isArmed.store(true, ordering: .releasing) }

    func waitForCandidate() { arrived.wait() }

    func open() { opened.signal() }
  }

  private func liveLabel(_ admin: AdminFixture) -> String {
    admin.served.pool.live.model.labels[0]
  }

  /// Makes two uploads, and a third that is being proved while the gate is closed.
  private func withProof(
    _ body: (AdminFixture, _ upload: PendingAnswer, Gate) async throws -> Void
  ) async throws {
    let gate = Gate()
    let admin = try AdminFixture(availableMemory: gate.memory)
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    let file = try admin.file("third")
    gate.arm()
    let upload = try PendingAnswer(admin.service, "PUT", "/admin/model", body: file)
    gate.waitForCandidate()
    try await body(admin, upload, gate)
    #expect(eventually { admin.turns.close() }, "something still computes")
    #expect(try admin.incoming.isEmpty)
  }

  @Test(
    "A rollback ends a proof, does not wait for what computes, and the upload learns who ended it")
  func rollback() async throws {
    try await withProof { admin, upload, gate in
      let answer = try await admin.ask("POST", "/admin/rollback")
      #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
      #expect(liveLabel(admin) == "old0")
      let ended = try upload.value
      #expect(ended.status == 409)
      #expect(try ended.problemKind() == "swap-cancelled")
      #expect(try ended.json()["step"] as? String == "memory")
      #expect(
        try #require(try ended.json()["detail"] as? String).contains("ended by loopback from"))
      #expect(!admin.turns.close(), "the candidate still computes")
      gate.open()
      #expect(eventually { admin.turns.close() })
      #expect(liveLabel(admin) == "old0" && admin.store.versions().count == 3)
      #expect(admin.logged.contains(#""kind":"cancelled","step":"memory""#))
    }
  }

  @Test("A kept version is activated over a proof")
  func activation() async throws {
    try await withProof { admin, upload, gate in
      let version = try admin.version("start").hex
      #expect(try await admin.ask("POST", "/admin/versions/\(version)/activate").status == 200)
      #expect(liveLabel(admin) == "start0")
      #expect(try upload.value.problemKind() == "swap-cancelled")
      gate.open()
    }
  }

  @Test("A swap in progress is shown, and ended on request")
  func end() async throws {
    try await withProof { admin, upload, gate in
      let shown = try await admin.ask("GET", "/admin/swap").json()
      let swap = try #require(shown["swap"] as? [String: Any])
      #expect(swap["action"] as? String == "upload" && swap["step"] as? String == "memory")
      #expect(swap["by"] as? String == "loopback from -" && swap["since"] is String)
      let answer = try await admin.ask("DELETE", "/admin/swap")
      #expect(answer.status == 200)
      #expect(
        try #require(answer.json()["ended"] as? [String: Any])["action"] as? String == "upload")
      #expect(try upload.value.problemKind() == "swap-cancelled")
      #expect(try await admin.ask("GET", "/admin/swap").json()["swap"] is NSNull)
      let nothing = try await admin.ask("DELETE", "/admin/swap")
      #expect(nothing.status == 404)
      #expect(try nothing.problemKind() == "no-swap")
      #expect(liveLabel(admin) == "new0")
      #expect(admin.logged.contains(#""action":"end swap","by":"loopback""#))
      #expect(admin.logged.contains("ended upload at memory"))
      gate.open()
      let again = try await admin.ask("PUT", "/admin/model", body: admin.file("third"))
      #expect(again.status == 200)
    }
  }

  @Test("An upload and a canary wait for nobody's proof, and are refused")
  func others() async throws {
    try await withProof { admin, upload, gate in
      let second = try await admin.ask("PUT", "/admin/model", body: admin.file("fourth"))
      #expect(second.status == 409 && second.fields["Retry-After"] == "1")
      #expect(try second.problemKind() == "swap-in-progress")
      #expect(try await admin.putCanary("old", percent: 5).problemKind() == "swap-in-progress")
      gate.open()
      #expect(try upload.value.status == 200)
      #expect(liveLabel(admin) == "third0")
    }
  }

  @Test("Beside two ended candidates that still compute no other is proved, but a rollback is made")
  func remnants() async throws {
    let gates = [Gate(), Gate()]
    let admin = try AdminFixture {
      for gate in gates { _ = gate.memory() }
      return nil
    }
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    let file = try admin.file("third")
    for gate in gates {
      gate.arm()
      let upload = try PendingAnswer(admin.service, "PUT", "/admin/model", body: file)
      gate.waitForCandidate()
      #expect(try await admin.ask("DELETE", "/admin/swap").status == 200)
      #expect(try upload.value.problemKind() == "swap-cancelled")
    }
    let third = try await admin.ask("PUT", "/admin/model", body: file)
    #expect(third.status == 409)
    #expect(try #require(try third.json()["detail"] as? String).contains("still compute"))
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "old0")
    for gate in gates { gate.open() }
    #expect(eventually { admin.turns.close() })
  }

  @Test("An upload whose client has gone is not proved to its end")
  func goneClient() async throws {
    let gate = Gate()
    let admin = try AdminFixture(availableMemory: gate.memory)
    let start = admin.served.pool.live
    let file = try admin.file("next")
    gate.arm()
    let upload = try PendingAnswer(admin.service, "PUT", "/admin/model", body: file)
    gate.waitForCandidate()
    upload.exchange.clientFinished()
    gate.open()
    #expect(try upload.value.problemKind() == "swap-cancelled")
    #expect(admin.served.pool.live === start && admin.store.versions().isEmpty)
    #expect(admin.logged.contains("the client has disconnected"))
    #expect(eventually { admin.turns.close() })
  }

  @Test("A rollback without a target ends nothing")
  func noTarget() async throws {
    let admin = try AdminFixture()
    let answer = try await admin.ask("POST", "/admin/rollback")
    #expect(answer.status == 409)
    #expect(try answer.problemKind() == "no-previous-version")
  }

  // MARK: Without a disk or memory

  /// Fails every step once it is told to.
  private final class Disk: Sendable {
    private let number = Atomic<CInt>(0)
    func fail(with number: CInt) { self.number.store(number, ordering: .relaxed) }
    var hook: DiskHook { { [self] _ in number.load(ordering: .relaxed) } }
  }

  @Test(
    "A rollback is made on a disk that takes nothing, and says that a restart will not know of it",
    arguments: [ENOSPC, EROFS, EIO])
  func fullDisk(number: CInt) async throws {
    let disk = Disk()
    let admin = try AdminFixture(disk: disk.hook)
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    disk.fail(with: number)
    let answer = try await admin.ask("POST", "/admin/rollback")
    #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    #expect(try answer.json()["recorded"] as? Bool == false)
    #expect(try answer.json()["record_fault"] is String)
    #expect(liveLabel(admin) == "old0")
    #expect(admin.logged.contains("a rollback could not be recorded"))
    #expect(admin.logged.contains(#""outcome":"live, not recorded""#))
    var model = try await admin.ask("GET", "/admin/model").json()
    #expect(model["recorded"] as? Bool == false && model["record_fault"] is String)
    #expect(model["previous"] as? String == (try admin.version("new").hex))
    // Other choices must be kept on disk.
    let start = try admin.version("start").hex
    let other = try await admin.ask("POST", "/admin/versions/\(start)/activate")
    #expect(other.status == 507)
    #expect(try other.problemKind() == (number == ENOSPC ? "store-full" : "store-failed"))
    #expect(
      admin.logged.contains(#""kind":"state_folder","step":"record""#), "\(admin.logged)")
    #expect(liveLabel(admin) == "old0")
    // This is a rollback of the rollback, still without a disk.
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "new0")
    disk.fail(with: 0)
    // It is recorded without a request once the disk takes it.
    #expect(eventually { admin.store.standing.recordFault == nil })
    #expect(eventually { admin.logged.contains("the rollback has been recorded") })
    model = try await admin.ask("GET", "/admin/model").json()
    #expect(model["recorded"] as? Bool == true && model["record_fault"] is NSNull)
    let old = try admin.version("old").hex
    #expect(model["previous"] as? String == old)
    #expect(try await admin.ask("POST", "/admin/versions/\(old)/activate").status == 200)
  }

  @Test("Neither an estimate of memory nor a lack of time keeps a rollback back")
  func estimates() async throws {
    let available = Mutex<Int?>(nil)
    let admin = try AdminFixture(provingTimeout: .nanoseconds(1)) { available.withLock(\.self) }
    let start = admin.served.pool.live.model.version
    let slow = try await admin.ask("PUT", "/admin/model", body: admin.file("next"))
    #expect(slow.status == 422)
    #expect(try slow.problemKind() == "model-too-slow")
    #expect(try slow.json()["step"] as? String == "golden")
    try admin.keep(SmallModels.model("next"))
    admin.changes.keepFirst()
    try admin.store.recordLive(admin.version("next"), by: "a test")
    available.withLock { $0 = 1 }
    // The start is live in memory; the record names the last live model.
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(liveLabel(admin) == "next0")
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(admin.served.pool.live.model.version == start)
    let refused = try await admin.ask(
      "POST", "/admin/versions/\(try admin.version("next").hex)/activate")
    #expect(refused.status == 507)
  }
}
