import Foundation
import HTTPCore
import HTTPServer
import Synchronization
import Testing

/// A folder with model files and `current.json`, as a server follows it.
struct PublishedModels {
  static let embedded =
    ProgramUnderTest.repository + "/Sources/CEmbeddedModels/resnet20-cifar10.safetensors"

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  var path: String { folder.url.path }

  /// Publishes the embedded model under another name, so that its bytes and its version differ: the
  /// file, then the pointer. Returns the version in full.
  @discardableResult
  func publish(_ name: String) async throws -> String {
    let file = folder.url.appendingPathComponent("\(name).safetensors").path
    if !FileManager.default.fileExists(atPath: file) {
      let outcome = try await ProgramUnderTest.run(
        "convert", Self.embedded, file, "--name", name)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }
    let version = try await Self.digest(file)
    try point(to: version, "\(name).safetensors")
    return version
  }

  /// Publishes any file.
  func publish(_ source: String, as name: String) async throws {
    let file = folder.url.appendingPathComponent(name)
    try FileManager.default.copyItem(at: URL(fileURLWithPath: source), to: file)
    try point(to: await Self.digest(file.path), name)
  }

  func point(to version: String, _ file: String) throws {
    try write(#"{"version": "\#(version)", "file": "\#(file)"}"#)
  }

  func write(_ pointer: String) throws { try replace("current.json", Data(pointer.utf8)) }

  /// Replaces a file as a whole or not at all, as whoever publishes should.
  func replace(_ name: String, _ bytes: Data) throws {
    try bytes.write(to: folder.url.appendingPathComponent(name), options: .atomic)
  }

  static func digest(_ file: String) async throws -> String {
    let outcome = try await ProgramUnderTest.run(URL(fileURLWithPath: "/usr/bin/sha256sum"), [file])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    return String(outcome.output.prefix(64))
  }
}

/// Serves a folder of published models over HTTP on the loopback, until `stop`.
final class ModelHost: RequestHandler {
  private let folder: URL
  private let server = Mutex<HTTPServer?>(nil)
  /// Requests for files that never come.
  private let held = Mutex<[Exchange]>([])
  private let holding: String?

  init(_ models: PublishedModels, holding: String? = nil) {
    folder = models.folder.url
    self.holding = holding
  }

  /// Returns the port.
  @discardableResult
  func start(port: Int = 0) throws -> Int {
    var configuration = ServerConfiguration()
    configuration.port = port
    let started = try HTTPServer(configuration: configuration, handler: self)
    started.start()
    server.withLock { $0 = started }
    return started.port
  }

  func stop() {
    server.withLock { server in
      server?.drain(within: .zero)
      server = nil
    }
  }

  /// Whether somebody waits for the file that is held.
  var isHolding: Bool { held.withLock { !$0.isEmpty } }

  func receive(_ head: RequestHead, from address: String) -> Reception {
    .accept(bodyByteLimit: 0, then: Handling(handle))
  }

  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response { failure.response }

  private func handle(_ request: Request, _ exchange: Exchange) {
    let name = String(request.head.target.path.dropFirst())
    guard name != holding else {
      held.withLock { $0.append(exchange) }
      return
    }
    guard let bytes = try? Data(contentsOf: folder.appendingPathComponent(name)) else {
      exchange.respond(Response(status: 404))
      return
    }
    exchange.respond(Response(status: 200, body: Array(bytes)))
  }

  func finished(_ record: ExchangeRecord) {}
  func written(_ head: RequestHead?, after duration: Duration) {}
}
