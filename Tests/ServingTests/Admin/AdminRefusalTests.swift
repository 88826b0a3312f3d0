import Foundation
import HTTPCore
import HTTPServer
import Serving
import Testing

/// Refused clients: counted, slowed down, and forgotten.
@Suite struct AdminRefusalTests {
  private struct Fixture {
    let clock = AdminClock()
    let admin: AdminFixture
    let path: String

    init() throws {
      path =
        FileManager.default.temporaryDirectory
        .appendingPathComponent("resnetd-token-\(UUID().uuidString)").path
      #expect(
        FileManager.default.createFile(
          atPath: path, contents: Data("right".utf8), attributes: [.posixPermissions: 0o600]))
      admin = try AdminFixture(token: path, now: clock.now)
    }

    func ask(_ token: String, from address: String) throws -> Response {
      let request = try Request(
        "GET", "/admin/swap", [("Authorization", "Bearer \(token)")])
      guard case .answer(let response) = admin.service.receive(request.head, from: address) else {
        Issue.record("no answer")
        throw CancellationError()
      }
      return response
    }

    var lines: [Substring] {
      admin.logged.split(separator: "\n").filter { $0.contains(#""action":"refused""#) }
    }
  }

  @Test(
    "Who fails again and again is asked to wait longer and longer; the right token passes at once")
  func pauses() throws {
    let fixture = try Fixture()
    defer { try? FileManager.default.removeItem(atPath: fixture.path) }
    for port in 0..<5 {
      let answer = try fixture.ask("wrong", from: "a:\(port)")
      #expect(answer.status == 401 && answer.closesConnection)
    }
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
      let answer = try fixture.ask("wrong", from: "a:\(seconds)")
      #expect(answer.status == 429 && answer.closesConnection)
      #expect(answer.fields["Retry-After"] == String(seconds))
      #expect(try answer.problemKind() == "too-many-refusals")
    }
    #expect(try fixture.ask("wrong", from: "b").status == 401, "another address")
    let right = try fixture.ask("right", from: "a")
    #expect(right.status == 200 && !right.closesConnection)
    #expect(try fixture.ask("wrong", from: "a").status == 401, "and its failures are forgotten")
    for _ in 0..<9 { _ = try fixture.ask("wrong", from: "c") }
    #expect(try fixture.ask("wrong", from: "c").status == 429)
    fixture.clock.advance(.seconds(601))
    #expect(try fixture.ask("wrong", from: "c").status == 401)
  }

  @Test("A flood leaves one line a second, which counts it and names the last")
  func lines() throws {
    let fixture = try Fixture()
    defer { try? FileManager.default.removeItem(atPath: fixture.path) }
    _ = try fixture.ask("wrong", from: "a")
    #expect(fixture.lines.count == 1 && fixture.lines[0].contains(#""remote":"a""#))
    #expect(fixture.lines[0].contains(#""count":1"#))
    for number in 0..<3000 { _ = try fixture.ask("wrong", from: "\(number)") }
    #expect(fixture.lines.count == 1)
    fixture.clock.advance(.seconds(1))
    // The rest of the count is logged with whatever comes next.
    #expect(try fixture.ask("right", from: "b").status == 200)
    #expect(fixture.lines.count == 2 && fixture.lines[1].contains(#""count":3000"#))
    #expect(fixture.lines[1].contains(#""remote":"2999""#), "that of the last refusal")
    #expect(!fixture.admin.logged.contains("wrong"))
    // The first of so many addresses are forgotten.
    for _ in 0..<4 { #expect(try fixture.ask("wrong", from: "0").status == 401) }
  }
}
