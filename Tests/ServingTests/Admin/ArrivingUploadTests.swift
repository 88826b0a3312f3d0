import Checkpoint
import Foundation
import HTTPCore
import HTTPServer
import Inference
import ModelStore
import Serving
import Testing

/// Orders of administrators during an upload whose file is still arriving.
@Suite struct ArrivingUploadTests {
  /// An upload with half of its body sent; the rest comes when it is asked for.
  private struct HalfUpload {
    private let request: Request
    private let sink: any BodySink
    private let handling: Handling
    private let rest: ArraySlice<UInt8>
    private let admin: AdminFixture

    init(_ admin: AdminFixture, _ target: String = "/admin/model", file: [UInt8]) throws {
      self.admin = admin
      request = try Request(
        "PUT", target, [("Host", "localhost"), ("Content-Length", "\(file.count)")])
      guard case .stream(_, let sink, let then) = admin.service.receive(request.head) else {
        throw Refused()
      }
      (self.sink, handling) = (sink, then)
      sink.receive(Array(file.prefix(file.count / 2)))
      rest = file.dropFirst(file.count / 2)
    }

    /// Answers as a connection does whose client sends nothing any more.
    consuming func stall() throws -> Response {
      let refuse = try #require(handling.refuse)
      return refuse(
        ParseFailure(
          status: 408, kind: .requestTimeout, detail: "the body did not arrive in time"))
    }

    /// Sends the rest and waits for the answer.
    consuming func finish() async throws -> Response {
      sink.receive(Array(rest))
      let exchange = Exchange(receivedAt: .now)
      return await withCheckedContinuation { continuation in
        handling.run(request, exchange)
        let immediate = exchange.handlerReturned { continuation.resume(returning: $0) }
        if let immediate { continuation.resume(returning: immediate) }
      }
    }
  }

  private struct Refused: Error {}

  private func liveLabel(_ admin: AdminFixture) -> String {
    admin.served.pool.live.model.labels[0]
  }

  private func fixture() async throws -> AdminFixture {
    let admin = try AdminFixture()
    for mark in ["old", "new"] { try await admin.upload(SmallModels.model(mark)) }
    return admin
  }

  @Test("An upload on its way is shown with what has come of it, and not once it is live")
  func shown() async throws {
    let admin = try await fixture()
    let file = try admin.file("third")
    let upload = try HalfUpload(admin, file: file)
    let answer = try await admin.ask("GET", "/admin/swap").json()
    #expect(answer["swap"] is NSNull)
    let arriving = try #require(answer["arriving"] as? [[String: Any]])
    #expect(arriving.count == 1)
    #expect(arriving.first?["action"] as? String == "upload")
    #expect(arriving.first?["received_bytes"] as? Int == file.count / 2)
    #expect(arriving.first?["expected_bytes"] as? Int == file.count)
    #expect(arriving.first?["by"] as? String == "loopback from -")
    #expect(try await upload.finish().status == 200)
    #expect(liveLabel(admin) == "third0")
    let after = try await admin.ask("GET", "/admin/swap").json()
    #expect((after["arriving"] as? [Any])?.isEmpty == true)
  }

  @Test("What arrives after a rollback or an activation was ordered does not become live")
  func overtaken() async throws {
    let admin = try await fixture()
    let old = try admin.version("old").hex
    for order in ["/admin/rollback", "/admin/versions/\(old)/activate"] {
      let upload = try HalfUpload(admin, file: admin.file("third"))
      #expect(try await admin.ask("POST", order).status == 200)
      #expect(liveLabel(admin) == "old0")
      let answer = try await upload.finish()
      #expect(answer.status == 409)
      #expect(try answer.problemKind() == "swap-cancelled")
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(detail.contains("ended by loopback from - while the file was arriving"))
      #expect(liveLabel(admin) == "old0")
      #expect(try admin.incoming.isEmpty)
    }
    #expect(try await HalfUpload(admin, file: admin.file("third")).finish().status == 200)
  }

  @Test("A dry run is not in the way of a rollback")
  func dryRun() async throws {
    let admin = try await fixture()
    let upload = try HalfUpload(admin, "/admin/model?dry_run=true", file: admin.file("third"))
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(try await upload.finish().status == 200)
    #expect(liveLabel(admin) == "old0")
  }

  @Test("Uploads on their way are ended on request")
  func ended() async throws {
    let admin = try await fixture()
    let file = try admin.file("third")
    let uploads = try ["/admin/model", "/admin/model?dry_run=true"].map {
      try HalfUpload(admin, $0, file: file)
    }
    let answer = try await admin.ask("DELETE", "/admin/swap")
    #expect(answer.status == 200)
    #expect(try answer.json()["ended"] is NSNull)
    let ended = try #require(try answer.json()["ended_arriving"] as? [[String: Any]])
    #expect(ended.map { $0["action"] as? String } == ["upload", "dry run"])
    for upload in uploads {
      #expect(try await upload.finish().problemKind() == "swap-cancelled")
    }
    #expect(liveLabel(admin) == "new0")
    #expect(try await admin.ask("DELETE", "/admin/swap").status == 404)
  }

  @Test("A client that stalls is told that its upload was ended, and the audit too")
  func stalled() async throws {
    let admin = try await fixture()
    let upload = try HalfUpload(admin, file: admin.file("third"))
    #expect(try await admin.ask("DELETE", "/admin/swap").status == 200)
    let answer = try upload.stall()
    #expect(answer.status == 409)
    #expect(try answer.problemKind() == "swap-cancelled")
    #expect(admin.logged.contains("swap-cancelled: read: ended by loopback from - while"))
    #expect(!admin.logged.contains("not taken"))
    // One that nobody has ended was only too slow.
    #expect(try HalfUpload(admin, file: admin.file("fourth")).stall().status == 408)
  }

  @Test("An upload that is cut off leaves an audit line and no file")
  func cutOff() async throws {
    let admin = try await fixture()
    let file = try admin.file("third")
    _ = try HalfUpload(admin, file: file)
    #expect(try admin.incoming.isEmpty)
    #expect(admin.logged.contains("not taken: \(file.count / 2) of \(file.count) bytes arrived"))
    let answer = try await admin.ask("GET", "/admin/swap").json()
    #expect((answer["arriving"] as? [Any])?.isEmpty == true)
  }
}
