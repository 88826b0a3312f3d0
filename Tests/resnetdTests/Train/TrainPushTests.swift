import Foundation
import ScriptedServer
import Synchronization
import Testing

/// `resnetd train --push`: a trained model becomes live on a running server.
@Suite(.serialized) struct TrainPushTests {
  private let folder: TemporaryFolder
  private let tree: ImageTree

  init() throws {
    folder = try TemporaryFolder()
    tree = try ImageTree()
    try DrawnImages.add([("a", 0, 12), ("b", 1, 12)], to: tree)
  }

  private func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }

  private func train(_ arguments: String...) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      ["train", tree.path, "--arch", "resnet8-cifar", "--epochs", "1"] + arguments)
  }

  @Test("The model is live afterwards, by a port with a token and by a socket")
  func live() async throws {
    let token = try folder.file("token", "0123456789abcdef0123456789abcdef\n").path
    var server = try await ServerUnderTest(
      "--admin-token-file", token, "--state-dir", path("state"), "--tune", "off")
    let address = String(try await server.adminAddress.dropFirst("http://".count))
    let file = path("one.safetensors")
    let refused = try await train("-o", file, "--push", address)
    #expect(refused.exitCode == 1)
    #expect(
      refused.errors.contains("--admin-token-file names a file with it (401"), "\(refused.errors)")
    // Nothing was learned for nothing.
    #expect(!refused.errors.contains("epoch 1"))
    let pushed = try await train("-o", file, "--push", address, "--token-file", token)
    #expect(pushed.exitCode == 0, "\(pushed.errors)")
    #expect(pushed.output.contains("is live, in place of "), "\(pushed.output)")
    let answer = try await server.curl(
      "-T", "\(tree.path)/a/0.bmp", "\(server.address)/classify?top_k=2")
    #expect(answer.status == 200 && answer.body.contains(#""label":"a""#), "\(answer.body)")
    #expect(await server.stop() == 0)

    let socket = path("admin")
    server = try await ServerUnderTest(
      "--admin-socket", socket, "--state-dir", path("state"), "--tune", "off")
    _ = try await server.logged(/"message":"admin","socket":"([^"]+)"/)
    let again = try await train(
      "-o", path("two.safetensors"), "--push", socket, "--json", "--seed", "1")
    #expect(again.exitCode == 0, "\(again.errors)")
    let report = try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? [String: Any]
    let live = try #require(report?["pushed"] as? [String: Any])
    #expect(live["name"] as? String == "two")
    let model = report?["model"] as? [String: Any]
    #expect(live["version"] as? String == model?["version"] as? String)
    #expect(await server.stop() == 0)
  }

  @Test("The model answers a share of the requests where that is asked for, and the live one stays")
  func canary() async throws {
    let server = try await ServerUnderTest("--state-dir", path("state"), "--tune", "off")
    let admin = String(try await server.adminAddress.dropFirst("http://".count))
    let pushed = try await train(
      "-o", path("drawn.safetensors"), "--push", admin, "--canary", "12.5", "--json")
    #expect(pushed.exitCode == 0, "\(pushed.errors)")
    let report = try JSONSerialization.jsonObject(with: Data(pushed.output.utf8)) as? [String: Any]
    let state = try #require(report?["pushed"] as? [String: Any])
    let model = report?["model"] as? [String: Any]
    #expect(state["state"] as? String == "the canary" && state["name"] as? String == "drawn")
    #expect(state["version"] as? String == model?["version"] as? String)
    let image = "\(tree.path)/a/0.bmp"
    for (choice, name) in [("always", "drawn"), ("never", "resnet20-cifar10")] {
      let answer = try await server.curl(
        "-H", "X-Resnetd-Canary: \(choice)", "-T", image, "\(server.address)/classify?top_k=1")
      #expect(answer.status == 200 && answer.body.contains(#""name":"\#(name)""#))
    }
    // The version is kept, so it can be made live.
    let again = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      [
        "model", "push", path("drawn.safetensors"), "--canary", "50", "--admin-port",
        String(admin.split(separator: ":").last ?? ""),
      ])
    #expect(again.exitCode == 0 && again.output.contains("answers 50"), "\(again)")
    #expect(again.output.contains("it was that before, and its comparison goes on"))
    let options = "--admin-host 127.0.0.1 --admin-port \(admin.split(separator: ":").last ?? "")"
    #expect(again.output.contains("`resnetd model canary \(options)` shows how it does"))
    let version = try #require(state["version"] as? String)
    let live = try await server.curl(
      "-X", "POST", "http://\(admin)/admin/versions/\(version)/activate")
    #expect(live.status == 200 && live.body.contains(#""reason":"promoted""#), "\(live.body)")
    for (query, words) in [
      ("canary=101", "from 0 to 100"), ("canary=0x10", "from 0 to 100"),
      ("canary=1&dry_run=true", "not both"),
    ] {
      let refused = try await server.curl(
        "-T", path("drawn.safetensors"), "http://\(admin)/admin/model?\(query)")
      #expect(refused.status == 400 && refused.body.contains(words), "\(refused.body)")
    }
    let same = try await server.curl(
      "-T", path("drawn.safetensors"), "http://\(admin)/admin/model?canary=1")
    #expect(same.status == 409 && same.body.contains("is live already"), "\(same.body)")
    #expect(await server.stop() == 0)
    let alone = try await train("-o", path("x.safetensors"), "--canary", "5")
    #expect(alone.exitCode == 2 && alone.errors.contains("--canary is for the server of --push"))
  }

  @Test("A new last layer is pushed while images are classified: no request fails")
  func underLoad() async throws {
    let server = try await ServerUnderTest("--state-dir", path("state"), "--tune", "off")
    let admin = String(try await server.adminAddress.dropFirst("http://".count))
    let target = "\(server.address)/classify?top_k=1"
    let image = "\(tree.path)/a/0.bmp"
    // One request after the other until the file is there.
    let end = path("end")
    let loop =
      #"while [ ! -e "$1" ]; do /usr/bin/curl -sS --max-time 30 -w '%{http_code}\n' -T "$2" "$3"; done"#
    async let load = ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/bash"), ["-c", loop, "bash", end, image, target])
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small([
        "train", tree.path, "-o", path("drawn.safetensors"), "--tune", "head", "--push", admin,
      ]))
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    for (label, folder) in [("a", "a"), ("b", "b")] {
      let answer = try await server.curl("-T", "\(tree.path)/\(folder)/1.bmp", target)
      #expect(answer.status == 200 && answer.body.contains("\"label\":\"\(label)\""))
    }
    _ = try folder.file("end", "")
    let lines = try await load.output.split(separator: "\n")
    let answers = lines.filter { $0.hasPrefix("{") }
    #expect(lines.filter { !$0.hasPrefix("{") } == answers.map { _ in "200" })
    #expect(answers.first?.contains(#""name":"resnet20-cifar10""#) == true)
    for answer in answers {
      let isNew = answer.contains(#""name":"drawn""#) && answer.contains(#""label":"a""#)
      #expect(isNew || answer.contains(#""name":"resnet20-cifar10""#), "\(answer)")
    }
    #expect(await server.stop() == 0)
  }

  @Test("A signal ends an upload that the server does not take, and leaves the file")
  func stalled() async throws {
    let config = #"{"options":{"state-dir":"/state"}}"#
    let server = try ScriptedServer(keepsOpen: true) { _, index in
      // The upload is not even answered by `100 Continue`.
      index > 0
        ? []
        : Array("HTTP/1.1 200 OK\r\nContent-Length: \(config.utf8.count)\r\n\r\n\(config)".utf8)
    }
    let file = path("out of reach.safetensors")
    let process = Process()
    process.executableURL = try ProgramUnderTest.url
    process.arguments = [
      "train", tree.path, "--arch", "resnet8-cifar", "--epochs", "1", "-o", file, "--push",
      String(server.address.dropFirst("http://".count)),
    ]
    process.environment = [:]
    let errors = try folder.file("errors", "")
    let output = try folder.file("output", "")
    let handles = [try FileHandle(forWritingTo: output), try FileHandle(forWritingTo: errors)]
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    for handle in handles { try handle.close() }
    while process.isRunning, server.requests.count < 2 {
      try await Task.sleep(for: .milliseconds(5))
    }
    kill(process.processIdentifier, SIGTERM)
    await ProgramUnderTest.end(of: process, within: ProgramUnderTest.timeLimit)
    let told = try String(contentsOf: errors, encoding: .utf8)
    #expect(process.terminationReason == .exit && process.terminationStatus == 143, "\(told)")
    #expect(told.contains("ended by a signal") && told.contains("'\(file)'"), "\(told)")
    let report = try String(contentsOf: output, encoding: .utf8)
    #expect(report.contains("resnetd serve --model '\(file)'"), "\(report)")
    #expect(FileManager.default.fileExists(atPath: file))
    #expect(!FileManager.default.fileExists(atPath: file + ".train.lock"))
  }

  @Test("A server that takes no models, or does not answer, is told before anything is learned")
  func early() async throws {
    let socket = path("admin")
    let server = try await ServerUnderTest("--admin-socket", socket, "--tune", "off")
    _ = try await server.logged(/"message":"admin","socket":"([^"]+)"/)
    let file = path("out.safetensors")
    let stateless = try await train("-o", file, "--push", socket)
    #expect(stateless.exitCode == 1 && stateless.errors.contains("start it with --state-dir"))
    // The public listener is not the admin endpoint.
    let wrong = try await train("-o", file, "--push", "127.0.0.1:\(server.port)")
    #expect(wrong.exitCode == 1 && wrong.errors.contains("nothing was learned yet"))
    #expect(await server.stop() == 0)
    let gone = try await train("-o", file, "--push", socket)
    #expect(
      gone.exitCode == 1 && gone.errors.contains("no answer from the admin endpoint at the socket"))
    #expect(gone.errors.contains("--push says where it is"), "\(gone.errors)")
    #expect(!FileManager.default.fileExists(atPath: file))
    for address in [
      "", ":8081", "ftp://host:8081", "http://host:8081/admin", "host:0", "host:99999",
      "user@host:8081", "::1", "[::1", "[x]:80", "a b", "host:80:81", "folder/",
    ] {
      let outcome = try await train("-o", file, "--push", address)
      #expect(outcome.exitCode == 2, "\(address)")
      #expect(outcome.errors.contains("--push is the address of a server's"), "\(outcome.errors)")
    }
  }
}
