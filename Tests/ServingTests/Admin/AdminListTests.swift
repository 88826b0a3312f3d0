import Foundation
import HTTPCore
import Serving
import Testing

/// What the admin endpoint tells programs about itself.
@Suite struct AdminListTests {
  @Test("/admin/ lists every path with its methods, and other doors lead there")
  func list() async throws {
    let admin = try AdminFixture()
    let answer = try await admin.ask("GET", "/admin/", [("Host", "localhost"), ("Accept", "*/*")])
    let list = try #require(try answer.json()["requests"] as? [[String: Any]])
    #expect(list.count == 13)
    for item in list {
      let path = try #require(item["path"] as? String)
      let options = try await admin.ask("OPTIONS", path)
      let methods = try #require(item["methods"] as? [String])
      #expect(options.fields["Allow"] == methods.joined(separator: ", "))
    }
    for path in ["/", "/admin"] {
      let door = try await admin.ask("GET", path)
      #expect(door.status == 308 && door.fields["Location"] == "/admin/")
    }
    let lost = try await admin.ask("GET", "/admin/models")
    let detail = try #require(try lost.json()["detail"] as? String)
    #expect(lost.status == 404 && detail.hasSuffix("; see /admin/"))
  }

  @Test("A method that a path does not take is answered with those that it takes, and an example")
  func methods() async throws {
    let admin = try AdminFixture()
    for (method, path, methods, example) in [
      ("POST", "/admin/model", "GET, HEAD, PUT and OPTIONS", "curl -T model.safetensors"),
      (
        "GET", "/admin/rollback", "POST and OPTIONS",
        "curl -X POST http://localhost:8081/admin/rollback"
      ),
      (
        "GET", "/admin/versions/0123abcd", "DELETE and OPTIONS",
        "/versions/0123abcd/activate to make"
      ),
      ("GET", "/admin/versions/%22x/activate", "POST and OPTIONS", "/versions/VERSION/activate"),
      (
        "PUT", "/admin/session", "GET, HEAD, POST, DELETE and OPTIONS",
        "Authorization: Bearer TOKEN"
      ),
    ] {
      let answer = try await admin.ask(method, path)
      #expect(answer.status == 405 && answer.fields["Allow"] != nil)
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(detail.contains("which takes \(methods); for example curl "), "\(detail)")
      #expect(detail.contains(example), "\(detail)")
    }
  }

  @Test("The status counts what is answered, and says what waits and what memory is taken")
  func status() async throws {
    let admin = try AdminFixture()
    func traffic() async throws -> [String: Any] {
      let status = try await admin.ask("GET", "/admin/status").json()
      #expect(status["waiting"] is NSNull && status["keeps_models"] as? Bool == true)
      let live = try await admin.ask("GET", "/admin/model").json()["version"] as? String
      #expect(live != nil && status["live"] as? String == live)
      return try #require(status["traffic"] as? [String: Any])
    }
    func count(_ traffic: [String: Any]) throws -> Int {
      let latency = try #require(traffic["latency"] as? [String: Any])
      let counts = try #require(latency["counts"] as? [Int])
      #expect(try #require(latency["bounds_ms"] as? [Double]).count + 1 == counts.count)
      return counts.reduce(0, +)
    }
    #expect(try await count(traffic()) == 0)
    _ = try admin.answers(3)
    let after = try await traffic()
    #expect(try count(after) == 3)
    let queue = try #require(after["queue"] as? [String: Any])
    #expect(queue["waiting"] as? Int == 0)
    #expect(queue["limit"] as? Int == admin.served.limits.queueCountLimit)
  }
}
