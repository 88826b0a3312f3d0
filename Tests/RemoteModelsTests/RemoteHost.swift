import Checkpoint
import Files
import Foundation
import HTTPCore
import HTTPServer
import Synchronization

/// A web server on the loopback that serves files from memory, each with a tag, and remembers its
/// requests.
final class RemoteHost: RequestHandler {
  private struct State {
    var files: [String: [UInt8]] = [:]
    var answers: [String: Response] = [:]
    var held: [Exchange] = []
    var whenHeld: @Sendable () -> Void = {}
    var requests: [RequestHead] = []
  }
  private let state = Mutex(State())

  /// Returns the requests since the last call.
  func requests() -> [RequestHead] {
    state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  func put(_ path: String, _ bytes: [UInt8]) { state.withLock { $0.files[path] = bytes } }

  /// Answers with a given response instead of a file.
  func answer(_ path: String, _ response: Response) {
    state.withLock { $0.answers[path] = response }
  }

  /// Sets an action for a request that will never be answered.
  func onHold(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.whenHeld = action } }

  /// Puts a model and the pointer to it into a folder.
  func publish(_ bytes: [UInt8], as file: String, in folder: String = "") throws {
    put("\(folder)/\(file)", bytes)
    put("\(folder)/current.json", pointer(try version(of: bytes).hex, file))
  }

  func receive(_ head: RequestHead, from address: String) -> Reception {
    .accept(bodyByteLimit: 0, then: Handling(handle))
  }

  func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response { failure.response }

  private func handle(_ request: Request, _ exchange: Exchange) {
    let path = request.head.target.path
    let response: Response? = state.withLock { state in
      state.requests.append(request.head)
      if path.hasSuffix("/hold") || path.hasPrefix("/hold") {
        state.held.append(exchange)
        return nil
      }
      if let answer = state.answers[path] { return answer }
      guard let bytes = state.files[path] else { return Response(status: 404) }
      let tag = "\"\((try? version(of: bytes).short) ?? "")\""
      let fields = HeaderFields([("ETag", tag)])
      return request.head.fields["If-None-Match"] == tag
        ? Response(status: 304, fields: fields)
        : Response(status: 200, fields: fields, body: bytes)
    }
    if let response {
      exchange.respond(response)
    } else {
      state.withLock(\.whenHeld)()
    }
  }

  func finished(_ record: ExchangeRecord) {}
  func written(_ head: RequestHead?, after duration: Duration) {}
}

/// Runs a host on a free port while `body` runs; `address` has no final slash.
func withHost(_ body: (_ host: RemoteHost, _ address: String) throws -> Void) throws {
  var configuration = ServerConfiguration()
  configuration.port = 0
  let host = RemoteHost()
  let server = try HTTPServer(configuration: configuration, handler: host)
  server.start()
  defer { server.drain(within: .zero) }
  try body(host, "http://127.0.0.1:\(server.port)")
}

func pointer(_ version: String, _ file: String) -> [UInt8] {
  Array(#"{"version": "\#(version)", "file": "\#(file)"}"#.utf8)
}

func version(of bytes: [UInt8]) throws -> ModelVersion {
  var digest = try SHA256()
  unsafe digest.update(bytes.span.bytes)
  return ModelVersion(digest: digest.finish())
}

/// Returns more bytes than libcurl hands over at once, different from those of any other seed.
func model(_ seed: UInt8, byteCount: Int = 300_000) -> [UInt8] {
  (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(seed) &* 7) } + [seed]
}

/// A folder that is removed with its owner.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/resnetd-remote-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
