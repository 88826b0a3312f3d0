import Foundation
import Testing

/// The admin endpoint on a Unix socket.
@Suite(.serialized) struct AdminSocketTests {
  private static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  private let folder: TemporaryFolder
  private let socket: String
  private let options: [String]

  init() throws {
    folder = try TemporaryFolder()
    socket = folder.url.appendingPathComponent("admin").path
    options = [
      "--admin-socket", socket, "--state-dir", folder.url.appendingPathComponent("state").path,
    ]
  }

  private func server(_ more: String...) async throws -> ServerUnderTest {
    let server = try await ServerUnderTest(options: options + more)
    _ = try await server.logged(/"message":"admin","socket":"([^"]+)"/)
    return server
  }

  private func ask(
    _ server: ServerUnderTest, _ target: String, _ arguments: String...
  ) async throws -> (status: Int, body: String) {
    try await server.curl(["--unix-socket", socket] + arguments + ["http://resnetd\(target)"])
  }

  @Test(
    "Models are swapped by it under any host's name, by this user alone; it goes with its server")
  func life() async throws {
    let server = try await server()
    let mode = try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    #expect(try await ask(server, "/admin/model").status == 200)
    let upload = try await ask(server, "/admin/model", "-T", Self.embedded)
    #expect(upload.status == 200, "\(upload.body)")
    #expect(try await ask(server, "/admin/model", "-H", "Origin: http://a").status == 403)
    let configuration = try await ask(server, "/admin/config").body
    #expect(configuration.contains(#""admin-socket":"\#(socket)""#), "\(configuration)")
    #expect(await server.stop() == 0)
    #expect(
      server.logged.contains(
        #""action":"upload","by":"socket","remote":"unix:uid=\#(getuid())""#), "\(server.logged)")
    #expect(!FileManager.default.fileExists(atPath: socket))
  }

  @Test("With a token it wants the token")
  func token() async throws {
    let file = try folder.file("token", "0123456789abcdef0123456789abcdef")
    let server = try await server("--admin-token-file", file.path)
    #expect(try await ask(server, "/admin/model").status == 401)
    let shown = "Authorization: Bearer 0123456789abcdef0123456789abcdef"
    #expect(try await ask(server, "/admin/model", "-H", shown).status == 200)
    #expect(await server.stop() == 0)
  }

  @Test("One that a killed server has left is taken over; one in use, and a file, are left alone")
  func leftovers() async throws {
    let killed = try await server()
    #expect(await killed.stop(SIGKILL) == SIGKILL)
    #expect(FileManager.default.fileExists(atPath: socket))
    let server = try await server()
    let second = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--tune", "off", "--admin-socket", socket)
    #expect(second.exitCode == 1)
    #expect(
      second.errors.contains("cannot listen on \(socket): another program listens there"),
      "\(second.errors)")
    #expect(try await ask(server, "/admin/model").status == 200)
    #expect(await server.stop() == 0)

    let file = try folder.file("admin", "precious")
    let third = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--tune", "off", "--admin-socket", file.path)
    #expect(third.exitCode == 1)
    #expect(third.errors.contains("what is there is not a socket"), "\(third.errors)")
    #expect(try String(contentsOf: file, encoding: .utf8) == "precious")
  }

  @Test(
    "A path that cannot be is one clear line",
    arguments: [
      (String(repeating: "a", count: 108), "too long"), ("/nowhere/admin", "No such file"),
      ("", "--admin-socket"),
    ])
  func unfit(_ path: String, _ reason: String) async throws {
    let outcome = try await ProgramUnderTest.run(
      "serve", "--port", "0", "--tune", "off", "--admin-socket", path)
    #expect(outcome.exitCode != 0)
    #expect(outcome.errors.contains(reason), "\(outcome.errors)")
  }
}
