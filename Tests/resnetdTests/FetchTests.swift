import CCurl
import Foundation
import ScriptedServer
import Testing

/// Requests that name an image of another server, `--fetch-from`.
@Suite struct FetchTests {
  private static func answer(_ status: String, _ fields: String = "", _ body: [UInt8] = [])
    -> [UInt8]
  {
    Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n\(fields)\r\n".utf8) + body
  }

  /// Returns a server of images, and the options of one that asks it.
  private static func pictures() throws -> (ScriptedServer, options: [String]) {
    let image = Array(
      try Data(contentsOf: URL(fileURLWithPath: ProgramUnderTest.sampleImage)))
    let server = try ScriptedServer { head, _ in
      switch head.split(separator: " ").dropFirst().first {
      case "/ship.jpg": answer("200 OK", "", image)
      case "/moved": answer("302 Found", "Location: /ship.jpg\r\n")
      case "/away": answer("302 Found", "Location: http://other.invalid/ship.jpg\r\n")
      case "/round": answer("302 Found", "Location: /round\r\n")
      case "/file": answer("302 Found", "Location: file:///etc/passwd\r\n")
      case "/page": answer("200 OK", "", Array("<html></html>".utf8))
      case "/json": answer("200 OK", "", Array(#"{"url": "http://127.0.0.1/"}"#.utf8))
      case "/large": answer("200 OK", "", [UInt8](repeating: 0xff, count: 300_000))
      case "/endless": Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + [UInt8](repeating: 1, count: 300_000)
      default: answer("404 Not Found")
      }
    }
    let named = "\(server.address),\(server.address.replacing("127.0.0.1", with: "localhost"))"
    return (server, ["--tune", "off", "--body-limit", "200KiB", "--fetch-from", named])
  }

  private static func classify(
    _ server: ServerUnderTest, _ json: String, query: String = ""
  ) async throws -> (status: Int, body: String) {
    try await server.curl("\(server.address)/classify\(query)", "--data-binary", json)
  }

  @Test("An image that a request names is classified like one that it sends")
  func images() async throws {
    let (pictures, options) = try Self.pictures()
    let server = try await ServerUnderTest(options: options)
    let sent = try await server.curl(
      "--upload-file", ProgramUnderTest.sampleImage, "\(server.address)/classify?top_k=2")
    #expect(sent.status == 200)
    for path in ["/ship.jpg", "/moved"] {
      let named = try await Self.classify(
        server, #"{"url": "\#(pictures.address)\#(path)", "top_k": 2}"#)
      #expect(named.status == 200 && named.body == sent.body, "\(path): \(named.body)")
    }
    let escaped = pictures.address.replacing("/", with: #"\/"#)
    let named = try await Self.classify(
      server, #"{"url": "\#(escaped)\/ship.jpg"}"#, query: "?top_k=2")
    #expect(named.body == sent.body)
    let description = try await server.curl("\(server.address)/openapi.json").body
    #expect(description.contains(#""required":["url"]"#))
    #expect(await server.stop() == 0)
  }

  @Test("What is not fetched is answered with the reason, and nobody else is asked")
  func refusals() async throws {
    let (pictures, options) = try Self.pictures()
    let server = try await ServerUnderTest(options: options)
    let port = pictures.address.split(separator: ":").last ?? ""
    let cases: [(url: String, status: Int, words: String)] = [
      ("http://127.0.0.1:1/x.jpg", 403, "not fetched from 127.0.0.1:1"),
      ("http://2130706433:\(port)/missing.jpg", 422, "answered 404"),
      ("http://user:word@127.0.0.1:\(port)/ship.jpg", 400, "without user"),
      ("file:///etc/passwd", 400, "http or https"),
      ("gopher://127.0.0.1:\(port)/", 400, "http or https"),
      ("ship.jpg", 400, "http or https"),
      ("http://localhost:\(port)/ship.jpg", 403, "not of the public network"),
      ("\(pictures.address)/away", 403, "not fetched from other.invalid without TLS"),
      ("\(pictures.address)/round", 422, "answered 302, not 200; only a few redirections"),
      ("\(pictures.address)/file", 422, "redirects to an address that is not one of http"),
      ("\(pictures.address)/page", 415, "it was fetched from"),
      ("\(pictures.address)/json", 415, "it was fetched from"),
      ("\(pictures.address)/large", 413, "more than 204800 bytes"),
      ("\(pictures.address)/endless", 413, "more than 204800 bytes"),
    ]
    for (url, status, words) in cases {
      let answer = try await Self.classify(server, #"{"url": "\#(url)"}"#)
      #expect(
        answer.status == status && answer.body.contains(words), "\(url): \(answer)")
    }
    let bodies: [(json: String, words: String)] = [
      (#"{"url": 1}"#, "not a string"), (#"{"url": "x", "url": "y"}"#, "twice"),
      (#"{"url": "x", "image": "AA=="}"#, "give one of them"),
      (#"{"url": "x", "top_k": 0}"#, "top_k"), (#"{"url": "x", "topk": 1}"#, "top_k?"),
      (#"{"url": null}"#, "neither"),
      (#"{"url": "\#(String(repeating: "x", count: 9000))"}"#, "8192 bytes"),
    ]
    for (json, words) in bodies {
      let answer = try await Self.classify(server, json)
      #expect(answer.status == 400 && answer.body.contains(words), "\(json): \(answer)")
    }
    #expect(await server.stop() == 0)
  }

  @Test("Without the option no image is fetched, which is said")
  func off() async throws {
    let server = try await ServerUnderTest("--tune", "off")
    let answer = try await Self.classify(server, #"{"url": "http://127.0.0.1/x.jpg"}"#)
    #expect(answer.status == 400 && answer.body.contains("--fetch-from"), "\(answer)")
    let description = try await server.curl("\(server.address)/openapi.json").body
    #expect(!description.contains(#""required":["url"]"#))
    #expect(await server.stop() == 0)
  }

  @Test(
    "Addresses of the public network are told from all others",
    arguments: [
      ("8.8.8.8", true), ("172.15.0.1", true), ("172.32.0.1", true), ("100.128.0.1", true),
      ("2606:4700::1111", true), ("::ffff:8.8.8.8", true), ("64:ff9b::808:808", true),
      ("0.0.0.0", false), ("10.0.0.1", false), ("100.64.0.1", false), ("127.0.0.1", false),
      ("169.254.169.254", false), ("172.16.0.1", false), ("172.31.255.255", false),
      ("192.168.1.1", false), ("198.19.0.1", false), ("224.0.0.1", false),
      ("255.255.255.255", false), ("::", false), ("::1", false), ("::ffff:127.0.0.1", false),
      ("::ffff:169.254.169.254", false), ("64:ff9b::a00:1", false), ("fe80::1", false),
      ("fd00::1", false), ("ff02::1", false), ("2001:db8::1", false), ("2002:7f00:1::", false),
      ("::127.0.0.1", false), ("100::1", false),
    ])
  func networks(_ text: String, _ isPublic: Bool) {
    var bytes = [UInt8](repeating: 0, count: 16)
    let isLong = text.contains(":")
    // SAFETY: room for an address of either family.
    let status = unsafe inet_pton(isLong ? AF_INET6 : AF_INET, text, &bytes)
    #expect(status == 1)
    let found = unsafe remote_is_public(bytes, isLong ? 16 : 4)
    #expect(found == isPublic, "\(text)")
  }
}
