import Checkpoint
import Files
import Foundation
import HTTPCore
import HTTPServer
import Serving
import Synchronization
import Telemetry
import Testing

/// Clients' keys, as a service asks for them.
@Suite struct APIKeyTests {
  private static let ada = "rn_ada_0123456789abcdef"
  private static let bob = "rn_bob_0123456789abcdef"

  private let folder: KeyFolder

  init() throws { folder = try KeyFolder() }

  private func line(_ name: String, _ key: String, _ more: String = "") throws -> String {
    "\(name) sha256:\(try KeyDigest(of: key.utf8).hex) \(more)\n"
  }

  private func keys(_ notices: Notices = Notices()) throws -> APIKeys {
    try APIKeys(path: folder.path) { notices.add($0) }
  }

  private func service(_ lines: String...) throws -> TestService {
    try folder.write(lines.joined())
    return try TestService(keys: try keys())
  }

  private func ask(
    _ service: TestService, _ fields: [(String, String)], _ target: String = "/classify",
    method: String = "POST"
  ) async throws -> Response {
    let image = try goldenImage().encodedImage
    return await service.answer(
      try Request(method, target, fields, body: method == "POST" ? image : []))
  }

  @Test("A key is shown in one of two ways, and nowhere else")
  func ways() async throws {
    let service = try service(try line("ada", Self.ada), try line("bob", Self.bob, "rate=100/s"))
    for fields in [
      [("Authorization", "Bearer \(Self.ada)")], [("authorization", "bearer  \(Self.bob)")],
      [("X-API-Key", Self.ada)],
      // What a proxy's own users have.
      [("Authorization", "Basic YWRhOng="), ("X-API-Key", Self.ada)],
    ] {
      let answer = try await ask(service, fields)
      #expect(answer.status == 200, "\(fields)")
      #expect(answer.notes.keyName == (fields[0].1.hasSuffix(Self.bob) ? "bob" : "ada"))
    }
    let challenge = #"Bearer realm="resnetd""#
    let long = String(repeating: "k", count: 513)
    let refused: [([(String, String)], Int, String, String)] = [
      ([], 401, "missing", challenge),
      ([("Authorization", "Bearer")], 401, "missing", challenge),
      ([("X-API-Key", "")], 401, "missing", challenge),
      ([("Authorization", "Basic \(Self.ada)")], 401, "missing", challenge),
      ([("Authorization", Self.ada)], 401, "missing", challenge),
      ([("X-API-Key", Self.ada + "x")], 401, "unknown", challenge + #", error="invalid_token""#),
      (
        [("X-API-Key", String(Self.ada.dropLast()))], 401, "unknown",
        challenge + #", error="invalid_token""#
      ),
    ]
    for (fields, status, kind, words) in refused {
      let answer = try await ask(service, fields)
      #expect(answer.status == status && answer.notes.keyName == nil, "\(fields)")
      #expect(try answer.problemKind() == "api-key-\(kind)")
      #expect(answer.fields["WWW-Authenticate"] == words)
    }
    for fields in [
      [("X-API-Key", Self.ada), ("X-API-Key", Self.ada)],
      [("X-API-Key", Self.ada), ("Authorization", "Bearer \(Self.ada)")],
      [("Authorization", "Bearer \(Self.ada)"), ("Authorization", "Bearer \(Self.bob)")],
      [("X-API-Key", "\(Self.ada), \(Self.bob)")], [("Authorization", "Bearer \(Self.ada) x")],
      [("X-API-Key", "short")], [("X-API-Key", long)], [("X-API-Key", Self.ada + "\u{e4}")],
    ] {
      let answer = try await ask(service, fields)
      #expect(answer.status == 400, "\(fields)")
      #expect(try answer.problemKind() == "api-key-malformed")
      #expect(
        answer.fields["WWW-Authenticate"] == challenge + #", error="invalid_request""#)
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(!detail.contains(Self.ada))
    }
    let inQuery = try await ask(service, [], "/classify?api_key=\(Self.ada)")
    #expect(inQuery.status == 401)
  }

  @Test("What takes images or tells of the model needs a key; probes, metrics and the page do not")
  func routes() async throws {
    let service = try service(try line("ada", Self.ada))
    let open = [
      "/", "/openapi.json", "/livez", "/readyz", "/healthz", "/startupz", "/ping", "/metrics",
      "/v2",
      "/v2/health/live", "/v2/health/ready", "/v2/models/resnet20-cifar10/ready",
    ]
    for target in open {
      #expect(try await ask(service, [], target, method: "GET").status == 200, "\(target)")
    }
    let guarded = [
      ("GET", "/model"), ("HEAD", "/model"), ("GET", "/v2/models/resnet20-cifar10"),
      ("POST", "/classify"), ("PUT", "/classify"), ("POST", "/predictions/resnet20-cifar10"),
      ("POST", "/v2/models/resnet20-cifar10/infer"),
    ]
    for (method, target) in guarded {
      let answer = try await ask(service, [], target, method: method)
      #expect(answer.status == 401, "\(target)")
      #expect(answer.fields["WWW-Authenticate"] != nil)
    }
    let model = try await ask(service, [("X-API-Key", Self.ada)], "/model", method: "GET")
    #expect(model.status == 200 && model.notes.keyName == "ada")
    let inference = try await ask(service, [], "/v2/models/resnet20-cifar10/infer")
    #expect(try inference.json()["error"] as? String != nil)
    // A preflight is asked by a browser, which shows no key.
    #expect(try await ask(service, [], "/classify", method: "OPTIONS").status == 204)
  }

  @Test("It is decided at the head, before a body is read")
  func atTheHead() throws {
    let service = try service(try line("ada", Self.ada))
    let head = try Request("POST", "/classify", [("Content-Length", "30000000")]).head
    guard case .answer(let answer) = service.service.receive(head) else {
      Issue.record("the body is read")
      return
    }
    #expect(answer.status == 401)
  }

  @Test("A key's images come at its rate; those of a form count one by one")
  func rate() async throws {
    let service = try service(try line("ada", Self.ada, "rate=1/h burst=3"))
    let shown = [("X-API-Key", Self.ada)]
    #expect(try await ask(service, shown).status == 200)
    let image = Data(try goldenImage().encodedImage).base64EncodedString()
    let two = #"{"images": ["\#(image)", "\#(image)", "\#(image)"]}"#
    let form = await service.answer(try Request("POST", "/classify", shown, body: Array(two.utf8)))
    #expect(form.status == 200)
    let limited = try await ask(service, shown)
    #expect(limited.status == 429 && limited.notes.keyName == "ada")
    #expect(try limited.problemKind() == "api-key-rate")
    // Four images were taken at once: the next may come when two of them are paid for.
    let seconds = try #require(limited.fields["Retry-After"].flatMap { Int($0) })
    #expect((3601...7200).contains(seconds))
    #expect(try await ask(service, shown, "/model", method: "GET").status == 200)

    let metrics = try await ask(service, [], "/metrics", method: "GET")
    let lines = String(decoding: metrics.body, as: UTF8.self).split(separator: "\n")
    for line in [
      #"resnetd_api_key_requests_total{key="ada",result="admitted"} 2"#,
      #"resnetd_api_key_requests_total{key="ada",result="limited"} 1"#,
      #"resnetd_api_key_images_total{key="ada"} 4"#, "resnetd_api_keys_current 1",
      #"resnetd_api_key_refused_total{reason="unknown"} 0"#,
    ] { #expect(lines.contains { $0 == line }, "\(line)") }
  }

  @Test("A request that is refused for something else costs its key nothing")
  func refusedElsewhere() async throws {
    let service = try service(try line("ada", Self.ada, "rate=1/h"))
    let shown = [("X-API-Key", Self.ada)]
    #expect(try await ask(service, shown, "/classify?top_k=0").status == 400)
    #expect(try await ask(service, shown).status == 200)
    #expect(try await ask(service, shown).status == 429)
  }

  @Test("A changed file is read again; one that cannot be used leaves the keys as they were")
  func reload() throws {
    let notices = Notices()
    try folder.write(try line("ada", Self.ada, "rate=1/h") + line("bob", Self.bob))
    let keys = try keys(notices)
    var now = ContinuousClock.now
    func status(_ key: String) throws -> Int {
      now += .seconds(2)
      return keys.status(of: key, at: now)
    }
    #expect(try status(Self.ada) == 200 && status(Self.bob) == 200)
    #expect(try status(Self.ada) == 429)

    try folder.write(try line("ada", Self.ada, "rate=1/h"))
    #expect(try status(Self.bob) == 401)
    // Not new: it has its rate from before.
    #expect(try status(Self.ada) == 429)
    try folder.write("ada\n")
    #expect(try status(Self.ada) == 429 && status(Self.bob) == 401)
    #expect(!keys.isCurrent)
    try folder.remove()
    #expect(try status(Self.ada) == 429)
    try folder.write(try line("ada", Self.ada, "rate=2/h"))
    #expect(try status(Self.ada) == 200)
    #expect(keys.isCurrent && keys.keyCount == 1)
    keys.reread()

    let words = notices.all.map { notice in
      switch notice {
      case .read(let count): "\(count)"
      case .refused(let reason): reason.contains("line 1: after a key's name") ? "bad" : "gone"
      }
    }
    #expect(words == ["1", "bad", "gone", "1", "1"])
  }

  @Test("Within a second of the last look the file is not looked at")
  func looks() throws {
    try folder.write(try line("ada", Self.ada))
    let keys = try keys()
    let now = ContinuousClock.now
    #expect(keys.status(of: Self.ada, at: now + .seconds(1)) == 200)
    try folder.write(try line("bob", Self.bob))
    #expect(keys.status(of: Self.ada, at: now + .milliseconds(1900)) == 200)
    #expect(keys.status(of: Self.ada, at: now + .seconds(2)) == 401)
  }

  @Test("A file that cannot be used is refused at the start")
  func start() throws {
    let missing = #expect(throws: APIKeyList.Fault.self) { try keys() }
    #expect(missing?.description.contains("cannot open") == true)
    try folder.write(String(repeating: "#", count: APIKeyList.byteLimit + 1))
    let long = #expect(throws: APIKeyList.Fault.self) { try keys() }
    #expect(long?.description.contains("more than 262144 bytes") == true)
  }

  @Test("The description of the port tells of keys where they are needed")
  func openAPI() async throws {
    let service = try service(try line("ada", Self.ada))
    let answer = try await ask(service, [], "/openapi.json", method: "GET")
    let document = try answer.json()
    let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
    for (path, isGuarded) in [("/classify", true), ("/model", true), ("/livez", false)] {
      for operation in try #require(paths[path]).values {
        #expect((operation["security"] != nil) == isGuarded)
        let responses = try #require(operation["responses"] as? [String: Any])
        #expect((responses["401"] != nil) == isGuarded)
      }
    }
    let components = try #require(document["components"] as? [String: [String: Any]])
    #expect(components["securitySchemes"]?.keys.sorted() == ["bearer", "key"])
    #expect(components["responses"]?["Problem401"] != nil)
  }
}

/// What has become of a file of keys.
private final class Notices: Sendable {
  private let notices = Mutex<[APIKeys.Notice]>([])

  var all: [APIKeys.Notice] { notices.withLock(\.self) }

  func add(_ notice: APIKeys.Notice) { notices.withLock { $0.append(notice) } }
}

/// A folder with a file of keys, which is removed with its owner.
private final class KeyFolder: Sendable {
  private let url: URL

  var path: String { url.appendingPathComponent("keys").path }

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-keys-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Replaces the file at once.
  func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  func remove() throws { try FileManager.default.removeItem(atPath: path) }
}

extension APIKeys {
  /// Status that a request with an image gets for its key.
  fileprivate func status(of key: String, at now: ContinuousClock.Instant) -> Int {
    do throws(Problem) {
      try admit(HeaderFields([("X-API-Key", key)]), at: now).begin(at: now)
      return 200
    } catch {
      return error.status
    }
  }
}
